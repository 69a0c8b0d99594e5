/** Runs the scripts of skills: the contract, and programs of this machine as the default. */
import type { Clock } from '../../core/clock.js';
import { SystemClock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import type { ToolContext } from '../../core/models/ai.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';

/** A script to be run. Its path was checked: it lies in the skill's `scripts/` (SKL-07). */
export interface ScriptRequest {
  readonly skillName: string;
  readonly scriptName: string;
  /** Real path of the script. */
  readonly path: string;
  /** Real path of the skill's folder. */
  readonly folder: string;
  /** As the model gave them: data that nobody checked. */
  readonly arguments: readonly string[];
  /** Aborted when the call or its turn is at its end. */
  readonly signal: AbortSignal;
  /** The call it runs in. */
  readonly context: ToolContext;
}

/** How a script ended. */
export interface ScriptResult {
  /** Null when it was killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It took too long and was killed. */
  readonly timedOut?: boolean;
  /** More was written than is kept. */
  readonly truncated?: boolean;
}

/** Runs scripts of skills: in a container, on another machine, or as {@link ChildProcessExecutor} does. */
export interface ScriptExecutor {
  /** Throw `ToolError` for what the model may read. */
  run(request: ScriptRequest): Promise<ScriptResult>;
}

/** What scripts get, and how much of it. */
export interface ChildProcessOptions {
  /** Default 20. The agent's `toolTimeoutSeconds` ends a script as well. */
  readonly timeoutSeconds?: number;
  /** Of stdout and of stderr each; default 65536. What comes after is dropped. */
  readonly maxOutputBytes?: number;
  /** Names of this process's environment variables that scripts see. Default: PATH, LANG, LC_ALL, TZ, TMPDIR and what Windows needs. */
  readonly environment?: readonly string[];
  /** Variables for scripts alone. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Program and first arguments by file ending; joins the default: `.js`, `.mjs`, `.cjs` → node, `.py` → python3, `.sh` → sh. */
  readonly interpreters?: Readonly<Record<string, readonly string[]>>;
  /** For tests. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<ChildProcessOptions> = {
  timeoutSeconds: true,
  maxOutputBytes: true,
  environment: true,
  variables: true,
  interpreters: true,
  clock: true,
};

const ENVIRONMENT = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SystemRoot', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP'];

/**
 * Runs scripts as child processes: without a shell, in the skill's folder, with closed stdin, limited in time and output,
 * and with a few environment variables only. At the end everything the script started is killed with it. This keeps honest
 * scripts from doing harm by mistake; it is no security boundary: a script may do whatever this process's user may do.
 * @example new Agent('helper', { provider, skills, scriptExecutor: new ChildProcessExecutor({ timeoutSeconds: 10 }) })
 */
export class ChildProcessExecutor implements ScriptExecutor {
  readonly #options: Required<ChildProcessOptions>;

  constructor(options: ChildProcessOptions = {}) {
    checkOptionNames('new ChildProcessExecutor', options, NAMES);
    const { timeoutSeconds = 20, maxOutputBytes = 65_536 } = options;
    if (!(Number.isFinite(timeoutSeconds) && timeoutSeconds > 0)) {
      throw new ValidationError(`Option timeoutSeconds is ${String(timeoutSeconds)}. Give seconds above 0; default 20.`);
    }
    if (!(Number.isInteger(maxOutputBytes) && maxOutputBytes > 0)) {
      throw new ValidationError(`Option maxOutputBytes is ${String(maxOutputBytes)}. Give a whole number above 0; default 65536.`);
    }
    this.#options = {
      timeoutSeconds,
      maxOutputBytes,
      environment: options.environment ?? ENVIRONMENT,
      variables: options.variables ?? {},
      interpreters: options.interpreters ?? {},
      clock: options.clock ?? new SystemClock(),
    };
  }

  async run(request: ScriptRequest): Promise<ScriptResult> {
    const { runChild } = await import('./child-process.node.js');
    return runChild(request, this.#options);
  }
}
