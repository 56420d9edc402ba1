#!/usr/bin/env bash
# Runs every test. Installs the programs that the tests use where it may, else says what to install.
# The last line is "N passed, N failed, N skipped". In CI (CI=true) a skipped test is a failure.
set -uo pipefail
cd "$(dirname "$0")"

missing=()
have() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb postgresql
have prometheus prometheus
have prometheus-node-exporter prometheus-node-exporter
have docker-compose docker-compose
have python3 python3
have node nodejs
have npm npm
have chromium chromium
if [ -n "${METRICS_TEST_POSTGRES:-}" ]; then missing=("${missing[@]/postgresql/}"); fi
missing=($(printf '%s\n' "${missing[@]}" | sed '/^$/d'))

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing ${missing[*]} ..."
    # The tests make a cluster of their own; Debian's should not be made beside it.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
      mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null; then
      echo "Could not install: ${missing[*]}. Install these Debian packages and run again." >&2
      exit 1
    fi
  else
    echo "These Debian packages are missing: ${missing[*]}. Install them (apt-get install ${missing[*]}) and run again." >&2
    exit 1
  fi
fi

results="$PWD/TestResults"
rm -rf "$results"
dotnet build Metrics.sln -c Release -v quiet -nologo || exit 1

failed_run=0
for project in tests/*.Tests; do
  echo "== ${project#tests/}"
  dotnet test "$project" -c Release --no-build -nologo -v minimal \
    --logger "trx;LogFileName=$(basename "$project").trx" --results-directory "$results" || failed_run=1
done

count() { cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*' | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ sum += $1 } END { print sum + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed)
skipped=$((total - passed - failed))

status=0
if [ "$failed_run" -ne 0 ] || [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then status=1; fi
if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then echo "A skipped test counts as a failure in CI." >&2; status=1; fi
# A test host that died has counted nothing: the line must not look green.
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
