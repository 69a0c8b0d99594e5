/** The contract of realtime on NATS, on a real server. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { silentLogger, type Logger } from '../../src/core/index.js';
import { NATSRealtime } from '../../src/providers/nats/index.js';
import { realtimeContract } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { natsServer, skipWithoutNats, whyNatsIsLeftOut, type NatsServer } from '../sources/nats-server.js';

describe.skipIf(skipWithoutNats)(`the contract of ephemeral events on NATS${whyNatsIsLeftOut}`, () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await natsServer();
  });
  afterAll(() => server.stop());

  it.each(realtimeContract.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    verifies('EPH-01', 'EPH-04', ...one.rules);
    await one.run(() => {
      let errors = 0;
      const logger: Logger = { ...silentLogger, error: () => void errors++ };
      const open = () => new NATSRealtime({ servers: `127.0.0.1:${server.port}`, logger });
      return { realtime: open(), another: open, errorsLogged: () => errors };
    });
  });
});
