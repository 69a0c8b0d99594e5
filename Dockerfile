# The package of this repository with the program in deploy/app.js. Build it here: docker build -t roomkit .
# A project of your own needs the second and third stage alone, with its package.json, its lock file and its program.

FROM node:24-bookworm-slim AS package
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /tmp && mv /tmp/roomkit-*.tgz /tmp/roomkit.tgz

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY deploy/package.json ./
COPY --from=package /tmp/roomkit.tgz ./
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4170
WORKDIR /app
# They belong to root: the program cannot change itself.
COPY --from=dependencies /app/node_modules ./node_modules
COPY deploy/package.json deploy/app.js deploy/healthcheck.js ./
USER node
EXPOSE 4170
# The program drains, hands over what it has not finished, and ends with 0. Give it longer than ROOMKIT_SHUTDOWN_DELAY_SECONDS + drainSeconds + 5.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "healthcheck.js"]
# Itself, and not npm or a shell, which would not hand on the signal.
CMD ["node", "node_modules/roomkit/dist/cli/main.js", "start", "app.js"]
