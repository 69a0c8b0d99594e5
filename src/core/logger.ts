/** Logs state facts, not people's words: a constant message and structured fields (style rule 14). */

/** How much an entry matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Facts beside a message: never people's words, addresses or secrets (TEL-06). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes what the kit has to say. The message is constant, what varies is in the fields. */
export interface Logger {
  /** What helps to follow a single message. */
  debug(message: string, fields?: LogFields): void;
  /** What happens in the ordinary way. */
  info(message: string, fields?: LogFields): void;
  /** What works and should be looked at. */
  warn(message: string, fields?: LogFields): void;
  /** What failed and needs somebody. */
  error(message: string, fields?: LogFields): void;
}

const LEVELS: readonly (LogLevel | 'silent')[] = ['debug', 'info', 'warn', 'error', 'silent'];

/**
 * One readable line per entry on stderr. `ROOMKIT_LOG` chooses the least level shown: debug, info, warn (default),
 * error or silent.
 */
export class StderrLogger implements Logger {
  readonly #least: number;

  constructor(level: LogLevel | 'silent' | undefined = levelFromEnvironment()) {
    this.#least = LEVELS.indexOf(level ?? 'warn');
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (LEVELS.indexOf(level) < this.#least) return;
    console.error(`roomkit ${level}: ${message}${formatFields(fields)}`.replaceAll('\n', ' '));
  }
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function levelFromEnvironment(): LogLevel | 'silent' | undefined {
  const value = typeof process === 'undefined' ? undefined : process.env['ROOMKIT_LOG'];
  return LEVELS.find((level) => level === value);
}

function formatFields(fields: LogFields | undefined): string {
  if (fields === undefined) return '';
  let line = '';
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += ` ${key}=${value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'string' ? value : JSON.stringify(value)}`;
  }
  return line;
}
