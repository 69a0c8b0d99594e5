/** `roomkit db status` and `roomkit db migrate`. */
import { say } from '../say.js';
import type { Operation } from './commands.js';
import { migrate, statusOf, storeOf } from './databases.js';
import { sizeText, tableOf } from './table.js';

export async function databaseStatus(operation: Operation): Promise<void> {
  const status = await statusOf(storeOf(operation));
  if (operation.options.json === true) {
    say(JSON.stringify({ ...status, mustMigrate: status.pending.length > 0 }, null, 2));
    return;
  }
  const rows: [string, string | number][] = [
    ['database', status.place],
    ['schema', schemaText(status.schemaVersion, status.knownVersion)],
    ['rooms', status.rooms],
    ['events', status.events],
    ['open deliveries', status.openDeliveries],
    ['open turns', status.openTurns],
    ['size', sizeText(status.sizeBytes)],
    ['at work on it', status.liveLeases === 0 ? 'nobody, or nobody who holds anything' : `processes with ${status.liveLeases} leases`],
  ];
  say(rows.map(([name, value]) => `${name.padEnd(16)} ${value}`).join('\n'));
  if (status.isUnfinishedCopy) say("\nA copy into it was interrupted, and it cannot be used. Make the copy again: 'roomkit db copy FROM TO'.");
  else if (status.pending.length > 0)
    say(
      `\nIt must be migrated: 'roomkit db migrate', or by the first process of this version.\n${status.pending.map((step) => `  ${step}`).join('\n')}`,
    );
}

export async function databaseMigrate(operation: Operation): Promise<void> {
  const dryRun = operation.options['dry-run'] === true;
  const report = await migrate(storeOf(operation), { dryRun });
  if (operation.options.json === true) {
    say(JSON.stringify({ ...report, isDone: !dryRun }, null, 2));
    return;
  }
  if (report.steps.length === 0) {
    say(`${report.place} has schema ${report.from}: nothing to do.`);
    return;
  }
  say(
    tableOf(
      [dryRun ? 'WOULD BE DONE' : 'DONE'],
      report.steps.map((step) => [step]),
    ),
  );
  say(`${report.place}: from schema ${report.from} to ${report.to}${dryRun ? '; nothing was changed' : ''}.`);
}

function schemaText(version: number, known: number): string {
  if (version === 0) return `none yet; this version of roomkit writes ${known}`;
  if (version === known) return `${version}, as this version of roomkit writes it`;
  return version < known
    ? `${version}; this version of roomkit writes ${known}`
    : `${version}, of a newer version; this one, ${known}, works with it`;
}
