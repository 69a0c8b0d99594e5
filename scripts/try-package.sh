#!/usr/bin/env bash
# Packs the package, installs it in an empty folder and runs the quickstart there, as plain JavaScript and as strict TypeScript.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$root"
tarball=$(npm pack --silent --pack-destination "$folder" | tail -n 1)
cd "$folder"
cat > package.json <<'JSON'
{ "name": "try-roomkit", "private": true, "type": "module" }
JSON
npm install --silent --no-audit --no-fund "./$tarball"
cp "$root/build/examples/quickstart.js" quickstart-plain.mjs
node quickstart-plain.mjs
npm install --silent --no-audit --no-fund typescript@6.0.3 @types/node@20
cp "$root/examples/quickstart.ts" quickstart.ts
cat > tsconfig.json <<'JSON'
{ "compilerOptions": { "target": "ES2022", "lib": ["ES2023", "ESNext.Disposable"], "module": "NodeNext", "moduleResolution": "NodeNext",
  "types": ["node"], "strict": true, "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true, "skipLibCheck": false, "outDir": "out" }, "files": ["quickstart.ts"] }
JSON
npx tsc -p tsconfig.json
node out/quickstart.js
# What `roomkit new` writes, with this very package: its test holds, its types are right, and it serves until it is told to stop.
npx roomkit new my-agent
cd my-agent
npm install --silent --no-audit --no-fund "../$tarball"
npm test
npx tsc
node node_modules/roomkit/dist/cli/main.js start app.ts --port 0 > started.txt &
server=$!
for _ in $(seq 100); do grep -q 'open ' started.txt && break; sleep 0.1; done
url=$(sed -n 's/^ *open *//p' started.txt)
curl -fsS -X POST "$url/api/rooms/lobby/messages" -H 'content-type: application/json' \
  -d '{"channelId":"web","senderId":"ada","content":"Hi!","wait":"cascade"}' > /dev/null
curl -fsS "$url/api/rooms/lobby/events" | grep -q 'What can I do for you'
kill "$server"
wait "$server"
