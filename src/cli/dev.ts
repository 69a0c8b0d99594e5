/**
 * `roomkit dev`: the file runs in a process of its own, which finishes what is under way and ends when a file changes; then
 * the next one begins. One that failed waits for the change that mends it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { watch, type FSWatcher } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { ServeCommand } from './arguments.js';
import { CannotRun, complain, say } from './say.js';
import { onSignals } from './start.js';
import type { FromWatched, WatchedSettings } from './watched.js';

/** Editors write in several steps; the change is over when nothing follows for so long. */
const QUIET_MS = 100;
const SOURCE = /\.([cm]?[jt]sx?|json)$/;

export async function dev({ file, ...where }: ServeCommand): Promise<void> {
  const [program] = process.argv.slice(1);
  if (program === undefined) throw new CannotRun('roomkit does not know its own file, which it starts again. Run it as npx roomkit.');
  new Watching(program, resolve(file), where).begin();
}

class Watching {
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, FSWatcher>();
  #child: ChildProcess | undefined;
  #port: number | undefined;
  /** What the running process gave up over is mended by any source, also by one that it could not find. */
  #isServing = false;
  #isStopping = false;
  #changed: string | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(
    private readonly program: string,
    private readonly path: string,
    private readonly where: Omit<ServeCommand, 'file'>,
  ) {}

  begin(): void {
    this.#watchFile(this.path);
    this.#start();
    onSignals(() => {
      this.#isStopping = true;
      say('Finishing what is under way …');
      if (this.#child === undefined) process.exit(0);
      this.#child.send('stop');
    });
  }

  #start(): void {
    this.#changed = undefined;
    this.#isServing = false;
    const settings: WatchedSettings = { path: this.path, ...this.where, ...(this.#port !== undefined && { preferredPort: this.#port }) };
    const child = fork(this.program, ['watched', JSON.stringify(settings)]);
    this.#child = child;
    child.on('message', (message: FromWatched) => {
      if (message.type === 'loaded') for (const file of message.files) this.#watchFile(file);
      else {
        this.#port = message.port;
        this.#isServing = true;
      }
    });
    child.on('exit', (code) => this.#onExit(code));
  }

  #onExit(code: number | null): void {
    this.#child = undefined;
    if (this.#isStopping) process.exit(code ?? 1);
    if (this.#changed !== undefined) return this.#start();
    this.#isServing = false;
    complain('Waiting for a change …');
  }

  /** The folder is watched, not the file: many editors write a new file in the place of the old one. */
  #watchFile(file: string): void {
    const folder = dirname(file);
    if (!`${folder}${sep}`.startsWith(`${dirname(this.path)}${sep}`) || folder.includes(`${sep}node_modules${sep}`)) return;
    this.#files.add(file);
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => name !== null && this.#onChange(join(folder, name)));
      watcher.on('error', () => this.#folders.delete(folder)); // the folder is gone
      this.#folders.set(folder, watcher);
    } catch (cause) {
      if (this.#folders.size === 0) throw new CannotRun(`There is no folder ${folder}.`, 1, { cause });
    }
  }

  #onChange(file: string): void {
    const isOurs = this.#files.has(file) || (!this.#isServing && SOURCE.test(file));
    if (!isOurs || this.#isStopping) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#restart(file), QUIET_MS);
  }

  #restart(file: string): void {
    if (this.#isStopping) return;
    const isFirst = this.#changed === undefined;
    this.#changed = file;
    if (isFirst) say(`${file.slice(dirname(this.path).length + 1)} changed; starting again.\n`);
    if (this.#child === undefined) this.#start();
    else if (isFirst && this.#child.connected) this.#child.send('stop');
  }
}
