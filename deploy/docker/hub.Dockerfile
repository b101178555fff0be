# The hub. Build from the repository's root:
#   docker build -f deploy/docker/hub.Dockerfile -t wheelhouse/hub .
# What the base images have already (pnpm, kustomize, helm, jsonnet, git) is not fetched, so both can come from a mirror:
#   --build-arg BASE=mirror.example.com/node:24 --build-arg TOOLS=mirror.example.com/golang:1.26
ARG BASE=node:24.21.0-bookworm-slim
ARG TOOLS=golang:1.26-bookworm

FROM ${TOOLS} AS tools
ARG KUSTOMIZE=5.8.1
ARG HELM=4.1.4
ARG JSONNET=0.22.0
ENV CGO_ENABLED=0 GOBIN=/tools
RUN mkdir -p /tools \
  && if command -v kustomize; then cp "$(command -v kustomize)" /tools/; else \
    go install -trimpath -ldflags="-s -w" "sigs.k8s.io/kustomize/kustomize/v5@v${KUSTOMIZE}"; fi \
  && if command -v helm; then cp "$(command -v helm)" /tools/; else \
    go install -trimpath -ldflags="-s -w -X helm.sh/helm/v4/internal/version.version=v${HELM}" "helm.sh/helm/v4/cmd/helm@v${HELM}"; fi \
  && if command -v jsonnet; then cp "$(command -v jsonnet)" /tools/; else \
    go install -trimpath -ldflags="-s -w" "github.com/google/go-jsonnet/cmd/jsonnet@v${JSONNET}"; fi

FROM ${BASE} AS packages
COPY scripts/pnpm /opt/pnpm/
RUN command -v pnpm || npm install --prefix /opt/pnpm --no-audit --no-fund
ENV PATH=$PATH:/opt/pnpm/node_modules/.bin CI=true
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY shared/package.json shared/
COPY hub/package.json hub/
RUN pnpm install --prod --frozen-lockfile --prefer-offline --filter "@wheelhouse/hub..."
# the workspace's layout stays: Node strips no types below node_modules, and pnpm's links resolve to folders outside it
COPY shared/src shared/src
COPY hub/src hub/src

FROM ${BASE}
RUN (command -v git && command -v gpg) || (apt-get update \
  && apt-get install -y --no-install-recommends git gpg openssh-client ca-certificates \
  && rm -rf /var/lib/apt/lists/*)
COPY --from=tools /tools/ /usr/local/bin/
COPY --from=packages /app /app
# /data: keys, admin token, mirrors of repositories. /nats: for write-nats-config.ts (deploy/compose)
RUN mkdir -p /data /nats && chown 10001:10001 /data /nats
WORKDIR /app
ENV NODE_ENV=production HOME=/tmp WHEELHOUSE_DATA=/data WHEELHOUSE_LISTEN=0.0.0.0:8443
VOLUME /data
EXPOSE 8443
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "-e", "require('node:https').get({ host: '127.0.0.1', port: process.env.WHEELHOUSE_LISTEN.split(':').pop(), path: '/healthz', rejectUnauthorized: false }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
CMD ["node", "hub/src/main.ts"]
