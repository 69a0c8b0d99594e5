/** What a source of NATS is made with, and what of it makes no sense. No message holds a value that may be a secret. */
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';
import { checkCount, checkSeconds, SOURCE_OPTION_NAMES, sourceOptions, type SourceOptions } from '../_shared/source/options.js';

/** A durable consumer of a stream: what the kit has not taken comes again, also after a restart. */
export interface NATSJetStreamOptions {
  /** The stream's name; it has to exist. */
  readonly stream: string;
  /** The consumer's name. It is made when there is none; sources of the same name share its messages. */
  readonly durable: string;
}

/** What a {@link NATSSource} is made with. Of the credentials, one kind at most; none of them is ever shown. */
export interface NATSSourceOptions extends SourceOptions {
  /** `nats://host:4222`, or several of one cluster; default `nats://127.0.0.1:4222`. May hold user and password, or a token. */
  readonly servers?: string | readonly string[];
  /** Subjects to listen to, wildcards too. With `jetStream` one at most: what the new consumer brings; default all of the stream. */
  readonly subjects?: string | readonly string[];
  /** Sources of the same queue group share the messages. Not with `jetStream`, where those of one durable consumer do. */
  readonly queue?: string;
  /** Reads a stream in the place of what is said at the moment. */
  readonly jetStream?: NATSJetStreamOptions;
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
  /** So many messages are asked for before one of them is worked on; default 1000. Not with `jetStream`. */
  readonly maxPendingMessages?: number;
}

const NAMES: OptionNames<NATSSourceOptions> = {
  ...SOURCE_OPTION_NAMES,
  servers: true,
  subjects: true,
  queue: true,
  jetStream: true,
  user: true,
  password: true,
  token: true,
  credentials: true,
  seed: true,
  tls: true,
  pingIntervalSeconds: true,
  maxPendingMessages: true,
};

export type NATSCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'user'; readonly user: string; readonly password: Secret }
  | { readonly kind: 'token' | 'credentials' | 'seed'; readonly secret: Secret };

export interface CheckedNATSOptions extends Required<SourceOptions> {
  /** Host and port. */
  readonly servers: readonly string[];
  readonly subjects: readonly string[];
  readonly queue: string | undefined;
  readonly jetStream: NATSJetStreamOptions | undefined;
  readonly login: NATSCredentials;
  readonly tls: NodeConnectionOptions['tls'];
  readonly pingIntervalSeconds: number;
  readonly maxPendingMessages: number;
}

const FEATURE = 'NATSSource';

export function natsOptions(options: NATSSourceOptions): CheckedNATSOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null)
    throw new ValidationError(`new ${FEATURE} takes options: { subjects: 'chat.>', channelId: 'chat' }.`);
  checkOptionNames(`new ${FEATURE}`, options, NAMES);
  const { queue, jetStream, tls, pingIntervalSeconds = 20, maxPendingMessages = 1000 } = options;
  checkSeconds(FEATURE, 'pingIntervalSeconds', pingIntervalSeconds);
  checkCount(FEATURE, 'maxPendingMessages', maxPendingMessages);
  const subjects = listOf(options.subjects ?? []);
  for (const subject of subjects)
    if (!isSubject(subject)) throw new ValidationError(`A subject of ${FEATURE} is none. Give one like 'chat.>' or 'chat.*.said'.`);
  if (queue !== undefined && !isName(queue))
    throw new ValidationError(`The queue of ${FEATURE} is no name. Give one without spaces, such as 'workers'.`);
  checkJetStream(jetStream, subjects, options);
  if (jetStream === undefined && subjects.length === 0) throw new ValidationError(`${FEATURE} has no subjects. Pass { subjects: 'chat.>' }.`);
  const servers = listOf(options.servers ?? 'nats://127.0.0.1:4222').map(serverOf);
  if (servers.length === 0) throw new ValidationError(`${FEATURE} has no servers. Leave them out for nats://127.0.0.1:4222, or give one.`);
  return {
    ...sourceOptions(FEATURE, options),
    servers: servers.map(({ host }) => host),
    subjects,
    queue,
    jetStream,
    login: loginOf(
      options,
      servers.map(({ login }) => login).filter((login) => login.kind !== 'none'),
    ),
    tls: tls ?? (servers.some(({ isEncrypted }) => isEncrypted) ? {} : undefined),
    pingIntervalSeconds,
    maxPendingMessages,
  };
}

function checkJetStream(jetStream: NATSJetStreamOptions | undefined, subjects: readonly string[], options: NATSSourceOptions): void {
  if (jetStream === undefined) return;
  if (typeof jetStream !== 'object' || !isName(jetStream.stream) || !isName(jetStream.durable))
    throw new ValidationError(`The jetStream of ${FEATURE} needs names without dots, spaces and wildcards: { stream: 'CHAT', durable: 'roomkit' }.`);
  checkOptionNames(`jetStream of new ${FEATURE}`, jetStream, { stream: true, durable: true });
  if (subjects.length > 1)
    throw new ValidationError(`${FEATURE} with jetStream takes one subject. For several, make the consumer yourself and leave subjects out.`);
  if (options.queue !== undefined)
    throw new ValidationError(`${FEATURE} with jetStream takes no queue: sources of one durable consumer share its messages.`);
  if (options.maxPendingMessages !== undefined)
    throw new ValidationError(`${FEATURE} with jetStream takes no maxPendingMessages: it asks for as many as are worked on at a time.`);
}

function listOf(given: string | readonly string[]): readonly string[] {
  const list = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string'))
    throw new ValidationError(`The servers and subjects of ${FEATURE} are texts, or lists of them.`);
  return list;
}

const isSubject = (subject: string): boolean => /^[^\s.]+(\.[^\s.]+)*$/.test(subject);
const isName = (name: unknown): boolean => typeof name === 'string' && /^[^\s.*>/\\]+$/.test(name);

function serverOf(given: string): { readonly host: string; readonly isEncrypted: boolean; readonly login: NATSCredentials } {
  const address = given.includes('://') ? given : `nats://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    throw new ValidationError(`A server of ${FEATURE} is no address. Give one like 'nats://127.0.0.1:4222', or 'tls://…'.`);
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

function loginOf({ user, password, token, credentials, seed }: NATSSourceOptions, inServers: readonly NATSCredentials[]): NATSCredentials {
  const secretOf = (value: string | Secret, name: string): Secret => {
    const secret = typeof value === 'string' ? new Secret(value) : value;
    if (!(secret instanceof Secret) || secret.reveal().trim() === '')
      throw new ValidationError(`The ${name} of ${FEATURE} is empty. Give it, or leave it out.`);
    return secret;
  };
  if ((user === undefined) !== (password === undefined)) throw new ValidationError(`${FEATURE} needs user and password together.`);
  const given: NATSCredentials[] = [
    ...(user !== undefined && password !== undefined ? [{ kind: 'user' as const, user, password: secretOf(password, 'password') }] : []),
    ...(token !== undefined ? [{ kind: 'token' as const, secret: secretOf(token, 'token') }] : []),
    ...(credentials !== undefined ? [{ kind: 'credentials' as const, secret: secretOf(credentials, 'credentials') }] : []),
    ...(seed !== undefined ? [{ kind: 'seed' as const, secret: secretOf(seed, 'seed') }] : []),
    ...inServers.slice(0, 1),
  ];
  if (given.length > 1)
    throw new ValidationError(`${FEATURE} has several kinds of credentials. Give one of user and password, token, credentials and seed.`);
  return given[0] ?? { kind: 'none' };
}
