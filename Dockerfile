# docker build -t metrics .                  the service
# docker build -t metrics-fleet --target fleet .   the player of the sample recording
# docker build -t metrics-emulators --target emulators .   the emulated clouds
#
# The two base images stand here by their tags: a build takes the newest patch of .NET 10. A build that has to be the same again
# names them by digest, IMAGE:TAG@sha256:DIGEST, the digest of the index that holds both architectures. It is what these print:
#   docker buildx imagetools inspect mcr.microsoft.com/dotnet/sdk:10.0 --format '{{.Manifest.Digest}}'
#   docker buildx imagetools inspect mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled --format '{{.Manifest.Digest}}'
# The digests that a released image was built from are in its provenance:
#   docker buildx imagetools inspect IMAGE --format '{{json .Provenance}}'

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH=amd64
# The release that is built; what Directory.Build.props says when empty.
ARG VERSION=
WORKDIR /source
COPY Directory.Build.props Directory.Packages.props global.json .editorconfig ./
COPY src src
COPY migrations migrations
COPY samples samples
COPY tests/Directory.Build.props tests/
COPY tests/Emulators tests/Emulators
# Compiled ahead of time for the machine it is built for: `migrate` and a restart do not wait for a compiler.
RUN dotnet publish src/Api -c Release -a $TARGETARCH --self-contained false -p:PublishReadyToRun=true -p:UseAppHost=false \
    ${VERSION:+-p:Version=$VERSION} -o /out/api
RUN dotnet publish samples/Fleet -c Release -o /out/fleet -p:UseAppHost=false && cp samples/fleet.ndjson.gz /out/fleet/
RUN dotnet publish tests/Emulators -c Release -o /out/emulators -p:UseAppHost=false && mkdir /out/emulated

# No shell, no package manager, no root: whoever gets in finds only the program, on a root file system that compose mounts read-only.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled AS runtime
WORKDIR /app
ENV DOTNET_EnableDiagnostics=0 \
    ASPNETCORE_HTTP_PORTS=""
USER $APP_UID

FROM runtime AS fleet
COPY --from=build /out/fleet ./
EXPOSE 9400
ENTRYPOINT ["dotnet", "Metrics.Fleet.dll"]
CMD ["serve", "--port", "9400", "--recording", "fleet.ndjson.gz"]

FROM runtime AS emulators
COPY --from=build /out/emulators ./
# A new volume takes over the owner of the folder that it is mounted on.
COPY --from=build --chown=$APP_UID:$APP_UID /out/emulated /emulated
EXPOSE 9500-9503
ENTRYPOINT ["dotnet", "Metrics.Emulators.dll"]
CMD ["--folder", "/emulated", "--port", "9500", "--host", "emulators"]

FROM runtime AS api
COPY --from=build /out/api ./
ENV ASPNETCORE_URLS=http://0.0.0.0:8080
EXPOSE 8080
# The image has no curl. Whether it is ready is for compose to ask: that needs the database, and a key where there are keys.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["dotnet", "Metrics.Api.dll", "health", "--live"]
ENTRYPOINT ["dotnet", "Metrics.Api.dll"]
