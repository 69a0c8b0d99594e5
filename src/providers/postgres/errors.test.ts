/** PostgreSQL's errors, and those of its network and TLS, in words that say how to mend them. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { storeError } from './errors.js';

const CASES: readonly (readonly [what: string, code: string, message: string, means: string, mend: RegExp])[] = [
  ['a full disk', '53100', 'could not extend file', 'store_full', /no room on the disk of db.*Free some space; nothing that was committed is lost/],
  ['too many connections', '53300', 'sorry, too many clients already', 'store_busy', /Lower pool\.max, or raise its max_connections/],
  ['a replica', '25006', 'cannot execute INSERT in a read-only transaction', 'store_read_only', /Name the primary server/],
  ['no right to create', '42501', 'permission denied for database app', 'store_denied', /Grant CREATE on the database/],
  ['a server without TLS', '', 'The server does not support SSL connections', 'store_tls', /takes no TLS.*Leave out sslmode and ssl/],
  [
    'a server that takes TLS only',
    '28000',
    'no pg_hba.conf entry for host "10.0.0.1", user "app", database "app", no encryption',
    'store_tls',
    /over TLS only\. Add \?sslmode=require/,
  ],
  ['a certificate of its own', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'store_denied', /not trusted \(self-signed.*ssl: \{ ca \}/],
  ['a certificate of an unknown authority', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify', 'store_denied', /Give its authority/],
  ['a host that nobody knows', 'ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere', 'store_unavailable', /Check the host and port of the URL/],
];

describe('an error of PostgreSQL', () => {
  it.each(CASES)('says of %s what it is, and how to mend it', (_what, code, message, means, mend) => {
    verifies('CON-07', 'STO-08');
    const error = storeError(Object.assign(new Error(message), code === '' ? {} : { code }), 'db');
    expect(error).toMatchObject({ code: means, message: expect.stringMatching(mend) });
  });
});
