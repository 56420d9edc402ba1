#!/usr/bin/env bash
# Runs every test; `./test.sh quick` the domain, the readers and one way through on each engine. Installs the programs that the tests use where it may, else says
# what to install. Cases with known answers that lie in ../shared/cases, or where METRICS_CASES says, are run too and counted with them, but not by `quick`.
# The last line is "N passed, N failed, N skipped". In CI (CI=true) a skipped test is a failure. Interrupted, it leaves nothing behind.
set -uo pipefail
cd "$(dirname "$0")"

case "${1:-}" in
  '') projects=(Domain Ingestors System) filter='' cases="${METRICS_CASES:-../shared/cases}" ;;
  quick) projects=(Domain Ingestors System) filter='Suite=Quick' cases='' ;;
  *) echo "usage: ./test.sh [quick]" >&2; exit 2 ;;
esac

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
[ -n "${METRICS_TEST_POSTGRES:-}" ] || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb postgresql
need prometheus prometheus
need prometheus-node-exporter prometheus-node-exporter
need docker-compose docker-compose
need python3 python3
need node nodejs
need npm npm
need chromium chromium

if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "These Debian packages are missing: ${missing[*]}. Install them (apt-get install ${missing[*]}) and run again." >&2
    exit 1
  fi
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
fi

# What runs beside the script is a process group of its own, so that all of it can be ended; what the tests have started ends by itself when they do (tests/Shared/TestRun.cs).
set -m
running=()
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/metrics-test-run.XXXXXX") && chmod 711 "$TMPDIR" || exit 1
export TMPDIR
clean() {
  for group in "${running[@]}"; do kill -TERM -- "-$group" 2>/dev/null; done
  for _ in $(seq 100); do compgen -G "$TMPDIR/metrics-tests-*" >/dev/null || break; sleep 0.2; done
  for group in "${running[@]}"; do kill -KILL -- "-$group" 2>/dev/null; done
  rm -rf "$TMPDIR"
}
trap clean EXIT
trap 'trap "" INT TERM; echo "Interrupted." >&2; exit 130' INT TERM

results="$PWD/TestResults"
rm -rf "$results" && mkdir -p "$results"

dotnet build Metrics.sln -c Release -v quiet -nologo --disable-build-servers & running+=($!)
wait $! || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

# The readers wait for servers most of their time, so they run beside the others.
declare -A job
for project in "${projects[@]}"; do
  arguments=(-c Release --no-build -nologo -v minimal --logger "trx;LogFileName=$project.trx" --results-directory "$results")
  [ -n "$filter" ] && [ "$project" = System ] && arguments+=(--filter "$filter")
  dotnet test "tests/$project.Tests" "${arguments[@]}" >"$results/$project.log" 2>&1 & job[$project]=$!
  running+=($!)
done

failed_run=0
for project in "${projects[@]}"; do
  wait "${job[$project]}" || failed_run=1
  echo "== $project.Tests"
  cat "$results/$project.log"
done

# Some cases are read live and have to come within seconds, so they have the machine for themselves.
cases_passed=0 cases_failed=0
if [ -n "$cases" ] && [ -f "$cases/run" ]; then
  python3 "$cases/run" --dll src/Api/bin/Release/net10.0/Metrics.Api.dll >"$results/cases.log" 2>&1 & running+=($!)
  wait $!; cases_status=$?
  echo "== cases of $cases"
  cat "$results/cases.log"
  read -r cases_passed cases_failed < <(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$results/cases.log") || { cases_passed=0 cases_failed=1; }
  # What could not be run, or ended otherwise than its last line says, must not look green.
  if [ "$cases_status" -ne 0 ] && [ "$cases_failed" -eq 0 ]; then cases_failed=1; fi
fi

count() { cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*' | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ sum += $1 } END { print sum + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed)
skipped=$((total - passed - failed))
if [ "$passed" -eq 0 ]; then failed_run=1; fi
passed=$((passed + cases_passed)) failed=$((failed + cases_failed))

status=0
if [ "$failed_run" -ne 0 ] || [ "$failed" -gt 0 ]; then status=1; fi
if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then echo "A skipped test counts as a failure in CI." >&2; status=1; fi
# A test host that died has counted nothing: the line must not look green.
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
clean
trap - EXIT
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
