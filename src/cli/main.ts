#!/usr/bin/env node
/** The program `roomkit`. */
import { createRequire } from 'node:module';
import { readCommand, USAGE } from './arguments.js';
import { dev } from './dev.js';
import { emulate } from './emulate.js';
import { newProject } from './new.js';
import { CannotRun, complain, say } from './say.js';
import { isGroup } from './operations/commands.js';
import { operate } from './operations/operate.js';
import { start } from './start.js';
import { webhooks } from './webhooks.js';
import { watched, type WatchedSettings } from './watched.js';

const VERSION = (createRequire(import.meta.url)('roomkit/package.json') as { readonly version: string }).version;

const [first, settings] = process.argv.slice(2);

try {
  // Between dev and the process it starts; nobody types it.
  if (first === 'watched' && settings !== undefined && process.send !== undefined) await watched(JSON.parse(settings) as WatchedSettings);
  else await obey();
} catch (error) {
  if (!(error instanceof CannotRun)) throw error;
  complain(error.message);
  process.exit(error.exitCode);
}

async function obey(): Promise<void> {
  if (isGroup(first)) return operate(first, process.argv.slice(3));
  const command = readCommand(process.argv.slice(2), process.env);
  switch (command.name) {
    case 'help':
      say(USAGE);
      break;
    case 'version':
      say(VERSION);
      break;
    case 'dev':
      await dev(command);
      break;
    case 'start':
      await start(command);
      break;
    case 'new':
      newProject(command.folder, VERSION);
      break;
    case 'emulate':
      await emulate(command);
      break;
    case 'webhooks':
      await webhooks(command);
  }
}
