/** Runs one script as a child process, and leaves nothing of it behind. Loaded by `import()`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';
import type { Timer } from '../../core/clock.js';
import { ToolError } from '../tools/results.js';
import type { ChildProcessOptions, ScriptRequest, ScriptResult } from './executor.js';

const INTERPRETERS: Readonly<Record<string, readonly string[]>> = {
  '.js': [process.execPath],
  '.mjs': [process.execPath],
  '.cjs': [process.execPath],
  '.py': ['python3'],
  '.sh': ['sh'],
};
/** How long after its end a script's output is waited for, where something else still holds it open. */
const OUTPUT_GRACE_MS = 1000;
const IS_WINDOWS = process.platform === 'win32';

export function runChild(request: ScriptRequest, options: Required<ChildProcessOptions>): Promise<ScriptResult> {
  const { path, folder, scriptName, skillName, signal } = request;
  signal.throwIfAborted();
  const ending = extname(path).toLowerCase();
  const [program, ...first] = [...(options.interpreters[ending] ?? INTERPRETERS[ending] ?? []), path, ...request.arguments];
  if (program === undefined || /^\.(?:bat|cmd)$/.test(extname(program).toLowerCase())) {
    // Node would hand these to a shell, which reads the arguments as commands.
    return Promise.reject(new ToolError(`The script '${scriptName}' of skill '${skillName}' cannot be run without a shell.`));
  }
  return new Promise((resolve, reject) => {
    const child = spawn(program, first, {
      cwd: folder,
      env: environmentOf(options),
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !IS_WINDOWS, // a process group of its own, that can be killed as one
      windowsHide: true,
    });
    let timedOut = false;
    let grace: Timer | undefined;
    const stdout = new Output(child.stdout, options.maxOutputBytes);
    const stderr = new Output(child.stderr, options.maxOutputBytes);
    const kill = (): void => killGroup(child);
    const timer = options.clock.setTimer(options.timeoutSeconds * 1000, () => {
      timedOut = true;
      kill();
    });
    signal.addEventListener('abort', kill, { once: true });
    running.add(child);
    watchExit();
    const settle = (): void => {
      timer.cancel();
      grace?.cancel();
      signal.removeEventListener('abort', kill);
      running.delete(child);
    };
    child.once('error', (error) => {
      settle();
      const remedy = program === path ? 'Make it executable, with its interpreter in its first line.' : `It needs the program '${program}'.`;
      reject(new ToolError(`The script '${scriptName}' of skill '${skillName}' could not be started. ${remedy}`, { cause: error }));
    });
    child.once('exit', () => {
      kill(); // what it started and left behind
      grace = options.clock.setTimer(OUTPUT_GRACE_MS, () => {
        child.stdout.destroy();
        child.stderr.destroy();
      });
    });
    child.once('close', (exitCode) => {
      settle();
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      resolve({
        exitCode,
        stdout: stdout.text,
        stderr: stderr.text,
        ...(timedOut && { timedOut }),
        ...((stdout.isCut || stderr.isCut) && { truncated: true }),
      });
    });
  });
}

/** The beginning of what is written; the rest is read and dropped, so that the script does not stand still. */
class Output {
  readonly #decoder = new StringDecoder('utf8');
  #left: number;
  text = '';
  isCut = false;

  constructor(stream: Readable, maxBytes: number) {
    this.#left = maxBytes;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => undefined); // its end is what counts
  }

  #take(chunk: Buffer): void {
    if (chunk.length > this.#left) this.isCut = true;
    if (this.#left === 0) return;
    const kept = chunk.subarray(0, this.#left);
    this.#left -= kept.length;
    this.text += this.#decoder.write(kept);
  }
}

function environmentOf({ environment, variables }: Required<ChildProcessOptions>): NodeJS.ProcessEnv {
  const given: NodeJS.ProcessEnv = {};
  for (const name of environment) if (process.env[name] !== undefined) given[name] = process.env[name];
  return { ...given, ...variables };
}

const running = new Set<ChildProcess>();
let isWatching = false;

/** A process group of its own outlives this process unless it is told. */
function watchExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('exit', () => running.forEach(killGroup));
}

function killGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (IS_WINDOWS) {
    if (child.exitCode === null)
      spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on('error', () => child.kill());
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}
