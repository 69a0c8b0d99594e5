/** The bare database under the ceiling of the durable scenarios. */

export interface PlainDatabase {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: (string | number)[]): unknown };
  close(): void;
}

export async function openPlainDatabase(path: string): Promise<PlainDatabase> {
  const name = Number(process.versions.node.split('.')[0]) >= 24 ? 'node:sqlite' : '@photostructure/sqlite';
  const { DatabaseSync } = (await import(name)) as { DatabaseSync: new (path: string) => PlainDatabase };
  return new DatabaseSync(path);
}
