# The spoke agent. Build from the repository's root:
#   docker build -f deploy/docker/spoke-agent.Dockerfile -t wheelhouse/spoke-agent .
# The base image may come from a mirror (--build-arg BASE=mirror.example.com/node:24); pnpm in it is not fetched again.
ARG BASE=node:24.21.0-bookworm-slim

FROM ${BASE} AS packages
COPY scripts/pnpm /opt/pnpm/
RUN command -v pnpm || npm install --prefix /opt/pnpm --no-audit --no-fund
ENV PATH=$PATH:/opt/pnpm/node_modules/.bin CI=true
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY shared/package.json shared/
COPY spoke-agent/package.json spoke-agent/
RUN pnpm install --prod --frozen-lockfile --prefer-offline --filter "@wheelhouse/spoke-agent..."
# the workspace's layout stays: Node strips no types below node_modules, and pnpm's links resolve to folders outside it
COPY shared/src shared/src
COPY spoke-agent/src spoke-agent/src

FROM ${BASE}
COPY --from=packages /app /app
# /data: identity, documents, bundles; must outlive the container
RUN mkdir -p /data && chown 10001:10001 /data
WORKDIR /app
ENV NODE_ENV=production HOME=/tmp WHEELHOUSE_STATE_DIR=/data WHEELHOUSE_HEALTH_FILE=/tmp/health
VOLUME /data
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "process.exit(Date.now() - require('node:fs').statSync(process.env.WHEELHOUSE_HEALTH_FILE).mtimeMs < 30000 ? 0 : 1)"]
CMD ["node", "spoke-agent/src/main.ts"]
