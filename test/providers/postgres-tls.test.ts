/** PostgreSQL over TLS, by a certificate that only these tests trust. */
import { execFileSync } from 'node:child_process';
import { chownSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PostgresLockManager, PostgresRealtime, PostgresStore, type PostgresOptions } from '../../src/providers/postgres/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

let certificate = '';
const server = postgres({
  flags: (dataFolder) => {
    const [key, cert] = [join(dataFolder, 'server.key'), join(dataFolder, 'server.crt')];
    const asked = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', ...asked, '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], { stdio: 'pipe' });
    const { uid, gid } = statSync(dataFolder);
    for (const path of [key, cert]) chownSync(path, uid, gid);
    certificate = readFileSync(cert, 'utf8');
    return ['-c', 'ssl=on', '-c', 'ssl_cert_file=server.crt', '-c', 'ssl_key_file=server.key'];
  },
});

describe('PostgreSQL over TLS', () => {
  it('is reached by store, locks and realtime, each of their connections encrypted', async () => {
    verifies('STO-08');
    const url = server.url.replace('127.0.0.1', 'localhost');
    const options: PostgresOptions = { url, schema: server.schema(), ssl: { ca: certificate } };
    const store = await PostgresStore.open(options);
    const locks = await PostgresLockManager.open(options);
    const realtime = await PostgresRealtime.open(options);
    try {
      await store.createRoom(samples.room('room'));
      const lease = await locks.acquire('room');
      await store.commitEvent({ event: samples.draft('room', 'e0') });
      await lease.release();
      await realtime.subscribe('room:room', () => undefined);
      const used = await server.query(
        "SELECT count(*)::int AS all, count(*) FILTER (WHERE ssl)::int AS encrypted FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'roomkit'",
      );
      expect(used[0]?.['all']).toBeGreaterThan(3);
      expect(used[0]?.['encrypted']).toBe(used[0]?.['all']);
    } finally {
      await realtime.close();
      await locks.close();
      await store.close();
    }
  });

  it("is refused with a sentence when nobody vouches for its certificate, or it is another server's", async () => {
    verifies('STO-08');
    const failing = async (options: PostgresOptions): Promise<unknown> => PostgresStore.open(options).catch((error: unknown) => error);
    const schema = server.schema();
    expect(await failing({ url: server.url.replace('127.0.0.1', 'localhost'), schema, ssl: true })).toMatchObject({
      code: 'store_denied',
      retryable: false,
      message: expect.stringMatching(/certificate.*ssl: \{ ca \}/s) as string,
    });
    expect(await failing({ url: server.url, schema, ssl: { ca: certificate } })).toMatchObject({
      code: 'store_denied',
      retryable: false,
      message: expect.stringMatching(/certificate.*ssl: \{ ca \}/s) as string,
    });
  });
});
