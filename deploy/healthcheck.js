/** Ends with 0 when the server of this machine lives. Whether it is ready is for balancers to ask: /readyz. */
import process from 'node:process';

const url = `http://127.0.0.1:${process.env.PORT ?? 4170}/healthz`;
const isAlive = await globalThis.fetch(url).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(isAlive ? 0 : 1);
