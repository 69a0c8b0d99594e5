/** Work that may be carried out later, or by another process, knows the trace it belongs to (TEL-08). */
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { TraceContext } from './trace-context.js';

export function traced<Row extends OutboxRow | TurnRow>(rows: readonly Row[], trace: TraceContext | undefined): readonly Row[] {
  return trace === undefined ? rows : rows.map((row) => ({ ...row, trace }));
}
