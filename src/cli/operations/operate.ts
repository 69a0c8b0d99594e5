/** Runs what was typed behind `roomkit db`, `outbox` or `rooms`. */
import { say } from '../say.js';
import { readOperation, type Group, type Operation, type OperationName } from './commands.js';
import { databaseCopy } from './copy.js';
import { databaseMigrate, databaseStatus } from './database.js';
import { outboxCancel, outboxList, outboxRetry } from './outbox.js';
import { roomsExport, roomsImport } from './room-files.js';
import { roomsClose, roomsDelete, roomsList, roomsShow } from './rooms.js';

const RUNS: Readonly<Record<OperationName, (operation: Operation) => Promise<void>>> = {
  'db status': databaseStatus,
  'db migrate': databaseMigrate,
  'db copy': databaseCopy,
  'outbox list': outboxList,
  'outbox retry': outboxRetry,
  'outbox cancel': outboxCancel,
  'rooms list': roomsList,
  'rooms show': roomsShow,
  'rooms export': roomsExport,
  'rooms import': roomsImport,
  'rooms close': roomsClose,
  'rooms delete': roomsDelete,
};

/** Throws CannotRun for what the person at the terminal can mend. */
export async function operate(group: Group, typed: readonly string[]): Promise<void> {
  const read = readOperation(group, typed, process.env);
  if (typeof read === 'string') say(read);
  else await RUNS[read.name](read);
}
