/** The codes and reasons that the source gives to its users, read from the source itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

export interface SourceCodes {
  /** Code → a file that uses it. */
  readonly used: ReadonlyMap<string, string>;
  /** Code → the class that stands for it in core/errors.ts. */
  readonly classes: ReadonlyMap<string, string>;
  /** Every whole string and property name of the source. */
  readonly literals: ReadonlySet<string>;
}

/** Reasons of messages and turns come from these folders; elsewhere `reason` says other things. */
const REASONS = /^core\/(pipeline|turns|hooks)\//;
const CODE = /^[a-z]+(_[a-z]+)*$/;

/**
 * A code is the first argument of an error or refusal, a `code` beside a `message` or in an error's options, a member of the
 * wire's error codes, what a socket is closed with, or the reason of a blocked message or dropped turn.
 */
export function sourceCodes(): SourceCodes {
  const used = new Map<string, string>();
  const classes = new Map<string, string>();
  const literals = new Set<string>();
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((found) => found.replaceAll('\\', '/'))) {
    if (!path.endsWith('.ts') || path.endsWith('.test.ts') || path.startsWith('testing/')) continue;
    const file = ts.createSourceFile(path, readFileSync(join(SRC, path), 'utf8'), ts.ScriptTarget.Latest, true);
    const use = (codes: readonly string[]): void => {
      for (const code of codes) if (CODE.test(code) && !used.has(code)) used.set(code, path);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node)) literals.add(node.text);
      if (ts.isPropertyAssignment(node)) literals.add(node.name.getText());
      use(codesOf(node, path));
      if (path === 'core/errors.ts' && ts.isClassDeclaration(node)) {
        const code = /super\(\s*'(\w+)'/.exec(node.getText())?.[1];
        if (code !== undefined && node.name !== undefined) classes.set(code, node.name.text);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return { used, classes, literals };
}

function codesOf(node: ts.Node, path: string): string[] {
  if (ts.isNewExpression(node) && /^(RoomKitError|Refusal|DeliveryError|ClientError)$/.test(node.expression.getText()))
    return textsOf(node.arguments?.[0]);
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText();
    if (called === 'super' && path === 'core/errors.ts') return textsOf(node.arguments[0]);
    if (called === 'asClientError') return textsOf(node.arguments[1]);
    if (called === 'say' || called === 'blockedResult') return textsOf(node.arguments[0]);
    if (/^this\.(end|close)$/.test(called) && /^(server|channels\/wire)\//.test(path)) return textsOf(node.arguments[1]);
  }
  if (ts.isPropertyAssignment(node)) {
    const name = node.name.getText();
    const beside = node.parent.properties.map((property) => property.name?.getText());
    const isError = beside.includes('message') || beside.includes('provider') || beside.includes('retryable');
    if (name === 'code' && isError) return textsOf(node.initializer);
    if (/^(reason|blockedBy|refused)$/.test(name) && REASONS.test(path)) return textsOf(node.initializer);
  }
  if (ts.isPropertyDeclaration(node) && node.name.getText() === 'code') return textsOf(node.initializer);
  if (ts.isTypeAliasDeclaration(node) && node.name.text === 'WireErrorCode')
    return [...node.getText().matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '');
  if (ts.isVariableDeclaration(node) && node.name.getText() === 'STATUS_BY_CODE')
    return [...node.getText().matchAll(/^ +(\w+): \d/gm)].map((match) => match[1] ?? '');
  return [];
}

/** The strings an expression may be; what stands behind `??` or `||` is never seen and left out. */
function textsOf(expression: ts.Expression | undefined): string[] {
  if (expression === undefined) return [];
  if (ts.isStringLiteral(expression)) return [expression.text];
  if (ts.isConditionalExpression(expression)) return [...textsOf(expression.whenTrue), ...textsOf(expression.whenFalse)];
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression)) return textsOf(expression.expression);
  return [];
}
