/** Which servers of NATS are meant, and who asks them. No message holds a value that may be a secret. */
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { ValidationError } from '../../core/errors.js';
import type { OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';
import { checkSeconds } from '../_shared/source/options.js';

/** Where NATS is. Of the credentials, one kind at most; none of them is ever shown. */
export interface NATSConnectionOptions {
  /** `nats://host:4222`, or several of one cluster; default `nats://127.0.0.1:4222`. May hold user and password, or a token. */
  readonly servers?: string | readonly string[];
  /** A user's name. */
  readonly user?: string;
  /** The user's password. */
  readonly password?: string | Secret;
  /** A token that all share. */
  readonly token?: string | Secret;
  /** The text of a `.creds` file. */
  readonly credentials?: string | Secret;
  /** An nkey's seed. */
  readonly seed?: string | Secret;
  /** Certificates, and what else the connection is to be encrypted with; `{}` encrypts it where the server may do without. */
  readonly tls?: NodeConnectionOptions['tls'];
  /** How often the server is asked whether it is there; default 20. Two answers that fail to come mean that it is not. */
  readonly pingIntervalSeconds?: number;
}

export const CONNECTION_NAMES: OptionNames<NATSConnectionOptions> = {
  servers: true,
  user: true,
  password: true,
  token: true,
  credentials: true,
  seed: true,
  tls: true,
  pingIntervalSeconds: true,
};

export type NATSCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'user'; readonly user: string; readonly password: Secret }
  | { readonly kind: 'token' | 'credentials' | 'seed'; readonly secret: Secret };

export interface NATSServers {
  /** Host and port. */
  readonly servers: readonly string[];
  readonly login: NATSCredentials;
  readonly tls: NodeConnectionOptions['tls'];
  readonly pingIntervalSeconds: number;
}

export function natsServers(feature: string, options: NATSConnectionOptions): NATSServers {
  const { tls, pingIntervalSeconds = 20 } = options;
  checkSeconds(feature, 'pingIntervalSeconds', pingIntervalSeconds);
  const servers = listOf(feature, options.servers ?? 'nats://127.0.0.1:4222').map((server) => serverOf(feature, server));
  if (servers.length === 0) throw new ValidationError(`${feature} has no servers. Leave them out for nats://127.0.0.1:4222, or give one.`);
  return {
    servers: servers.map(({ host }) => host),
    login: loginOf(
      feature,
      options,
      servers.map(({ login }) => login).filter((login) => login.kind !== 'none'),
    ),
    tls: tls ?? (servers.some(({ isEncrypted }) => isEncrypted) ? {} : undefined),
    pingIntervalSeconds,
  };
}

export function listOf(feature: string, given: string | readonly string[]): readonly string[] {
  const list = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string'))
    throw new ValidationError(`The servers and subjects of ${feature} are texts, or lists of them.`);
  return list;
}

function serverOf(feature: string, given: string): { readonly host: string; readonly isEncrypted: boolean; readonly login: NATSCredentials } {
  const address = given.includes('://') ? given : `nats://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    throw new ValidationError(`A server of ${feature} is no address. Give one like 'nats://127.0.0.1:4222', or 'tls://…'.`);
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return {
    host: `${url.hostname}:${url.port === '' ? '4222' : url.port}`,
    isEncrypted: url.protocol === 'tls:',
    login:
      user === ''
        ? { kind: 'none' }
        : password === ''
          ? { kind: 'token', secret: new Secret(user) }
          : { kind: 'user', user, password: new Secret(password) },
  };
}

function loginOf(
  feature: string,
  { user, password, token, credentials, seed }: NATSConnectionOptions,
  inServers: readonly NATSCredentials[],
): NATSCredentials {
  const secretOf = (value: string | Secret, name: string): Secret => {
    const secret = typeof value === 'string' ? new Secret(value) : value;
    if (!(secret instanceof Secret) || secret.reveal().trim() === '')
      throw new ValidationError(`The ${name} of ${feature} is empty. Give it, or leave it out.`);
    return secret;
  };
  if ((user === undefined) !== (password === undefined)) throw new ValidationError(`${feature} needs user and password together.`);
  const given: NATSCredentials[] = [
    ...(user !== undefined && password !== undefined ? [{ kind: 'user' as const, user, password: secretOf(password, 'password') }] : []),
    ...(token !== undefined ? [{ kind: 'token' as const, secret: secretOf(token, 'token') }] : []),
    ...(credentials !== undefined ? [{ kind: 'credentials' as const, secret: secretOf(credentials, 'credentials') }] : []),
    ...(seed !== undefined ? [{ kind: 'seed' as const, secret: secretOf(seed, 'seed') }] : []),
    ...inServers.slice(0, 1),
  ];
  if (given.length > 1)
    throw new ValidationError(`${feature} has several kinds of credentials. Give one of user and password, token, credentials and seed.`);
  return given[0] ?? { kind: 'none' };
}
