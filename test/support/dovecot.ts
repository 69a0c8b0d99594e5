/** Dovecot, an IMAP server that people really run, as a child process with everything it keeps in a folder of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../servers/free-port.js';

/** Whether it is installed: `apt-get install dovecot-imapd`. */
export function hasDovecot(): boolean {
  return spawnSync('dovecot', ['--version']).status === 0;
}

export interface Dovecot {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Puts a mail into the mailbox, as a mail server does that delivers to a Maildir. */
  readonly deliver: (source: string) => void;
  /** Ends every connection and takes new ones. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openDovecot(): Promise<Dovecot> {
  const folder = mkdtempSync(join(tmpdir(), 'dovecot-'));
  chmodSync(folder, 0o755);
  const { username, uid, gid } = userInfo();
  // Dovecot serves nobody's mail as root.
  const [owner, ownerUid, ownerGid] = uid === 0 ? ['mail', 8, 8] : [username, uid, gid];
  const maildir = join(folder, 'mail');
  for (const part of ['', 'cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true });
  if (uid === 0) spawnSync('chown', ['-R', `${ownerUid}:${ownerGid}`, maildir]);
  const port = await freePort();
  const config = join(folder, 'dovecot.conf');
  writeFileSync(join(folder, 'users'), `desk:{PLAIN}secret:${ownerUid}:${ownerGid}::${maildir}::\n`);
  writeFileSync(
    config,
    `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
ssl = no
disable_plaintext_auth = no
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:${maildir}
default_login_user = ${uid === 0 ? 'dovenull' : owner}
default_internal_user = ${uid === 0 ? 'dovecot' : owner}
mailbox_list_index = no
maildir_very_dirty_syncs = no
mail_max_userip_connections = 100
service imap-login {
  ${uid === 0 ? '' : 'chroot ='}
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  ${uid === 0 ? '' : 'chroot ='}
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = passwd-file
  args = ${folder}/users
}
`,
  );
  let child = await started(config, port);
  let delivered = 0;
  return {
    port,
    user: 'desk',
    password: 'secret',
    deliver: (source) => {
      const file = join(maildir, 'new', `${Date.now()}.${++delivered}.test`);
      writeFileSync(file, source.replace(/\r?\n/g, '\r\n'));
      if (uid === 0) spawnSync('chown', [`${ownerUid}:${ownerGid}`, file]);
    },
    restart: async () => {
      await ended(child);
      child = await started(config, port);
    },
    close: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function started(config: string, port: number): Promise<ChildProcess> {
  const child = spawn('dovecot', ['-F', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const until = Date.now() + 15_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`Dovecot did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Whether an IMAP server greets there. */
async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
