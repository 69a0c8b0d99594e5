/** What a source of NATS is made with, and what of it makes no sense. No message holds a value that may be a secret. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkCount, SOURCE_OPTION_NAMES, sourceOptions, type SourceOptions } from '../_shared/source/options.js';
import { CONNECTION_NAMES, listOf, natsServers, type NATSConnectionOptions, type NATSServers } from './servers.js';

/** A durable consumer of a stream: what the kit has not taken comes again, also after a restart. */
export interface NATSJetStreamOptions {
  /** The stream's name; it has to exist. */
  readonly stream: string;
  /** The consumer's name. It is made when there is none; sources of the same name share its messages. */
  readonly durable: string;
}

/** What a {@link NATSSource} is made with. */
export interface NATSSourceOptions extends SourceOptions, NATSConnectionOptions {
  /** Subjects to listen to, wildcards too. With `jetStream` one at most: what the new consumer brings; default all of the stream. */
  readonly subjects?: string | readonly string[];
  /** Sources of the same queue group share the messages. Not with `jetStream`, where those of one durable consumer do. */
  readonly queue?: string;
  /** Reads a stream in the place of what is said at the moment. */
  readonly jetStream?: NATSJetStreamOptions;
  /** So many messages are asked for before one of them is worked on; default 1000. Not with `jetStream`. */
  readonly maxPendingMessages?: number;
}

const NAMES: OptionNames<NATSSourceOptions> = {
  ...SOURCE_OPTION_NAMES,
  ...CONNECTION_NAMES,
  subjects: true,
  queue: true,
  jetStream: true,
  maxPendingMessages: true,
};

export interface CheckedNATSOptions extends Required<SourceOptions>, NATSServers {
  readonly subjects: readonly string[];
  readonly queue: string | undefined;
  readonly jetStream: NATSJetStreamOptions | undefined;
  readonly maxPendingMessages: number;
}

const FEATURE = 'NATSSource';

export function natsOptions(options: NATSSourceOptions): CheckedNATSOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null)
    throw new ValidationError(`new ${FEATURE} takes options: { subjects: 'chat.>', channelId: 'chat' }.`);
  checkOptionNames(`new ${FEATURE}`, options, NAMES);
  const { queue, jetStream, maxPendingMessages = 1000 } = options;
  checkCount(FEATURE, 'maxPendingMessages', maxPendingMessages);
  const subjects = listOf(FEATURE, options.subjects ?? []);
  for (const subject of subjects)
    if (!isSubject(subject)) throw new ValidationError(`A subject of ${FEATURE} is none. Give one like 'chat.>' or 'chat.*.said'.`);
  if (queue !== undefined && !isName(queue))
    throw new ValidationError(`The queue of ${FEATURE} is no name. Give one without spaces, such as 'workers'.`);
  checkJetStream(jetStream, subjects, options);
  if (jetStream === undefined && subjects.length === 0) throw new ValidationError(`${FEATURE} has no subjects. Pass { subjects: 'chat.>' }.`);
  return { ...sourceOptions(FEATURE, options), ...natsServers(FEATURE, options), subjects, queue, jetStream, maxPendingMessages };
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

const isSubject = (subject: string): boolean => /^[^\s.]+(\.[^\s.]+)*$/.test(subject);
const isName = (name: unknown): boolean => typeof name === 'string' && /^[^\s.*>/\\]+$/.test(name);
