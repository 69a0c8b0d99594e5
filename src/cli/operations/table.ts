/** Tables for people at a terminal: aligned, cut to its width; colours only where somebody sees them. */
import { stripVTControlCharacters } from 'node:util';

export type Cell = string | number | undefined;

export interface TableStyle {
  /** Lines are cut there; default: not at all. */
  readonly width?: number;
  /** Default false. */
  readonly isColoured?: boolean;
}

/** A heading per column, then the rows. Numbers stand at the right. */
export function tableOf(headings: readonly string[], rows: readonly (readonly Cell[])[], { width, isColoured = false }: TableStyle = {}): string {
  const texts = rows.map((row) => headings.map((_heading, at) => plain(row[at])));
  const isNumber = headings.map((_heading, at) => rows.length > 0 && rows.every((row) => row[at] === undefined || typeof row[at] === 'number'));
  const widths = headings.map((heading, at) => Math.max(length(heading), ...texts.map((row) => length(row[at] ?? ''))));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, at) => {
      const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - length(cell)));
      return isNumber[at] === true ? gap + cell : cell + gap;
    });
    return cut(padded.join('  ').trimEnd(), width);
  };
  const head = line(headings);
  return [isColoured ? `\u001b[1m${head}\u001b[22m` : head, ...texts.map(line)].join('\n');
}

/** The terminal that standard output is, if it is one. */
export function terminalStyle(environment: Readonly<Record<string, string | undefined>> = process.env): TableStyle {
  const { isTTY, columns } = process.stdout as { isTTY?: boolean; columns?: number }; // undefined where it is none
  if (isTTY !== true) return {};
  const isColoured = (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
  return { ...(columns !== undefined && { width: columns }), isColoured };
}

/** What others wrote moves no cursor and paints nothing. */
export function plain(cell: Cell): string {
  return cell === undefined ? '' : stripVTControlCharacters(String(cell)).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·');
}

function cut(line: string, width: number | undefined): string {
  if (width === undefined || length(line) <= width) return line;
  return `${Array.from(line)
    .slice(0, Math.max(0, width - 1))
    .join('')}…`;
}

function length(text: string): number {
  return Array.from(text).length;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
