/** The public declarations as a reader of the package meets them: what is said of each, and which types they name. */
import ts from 'typescript';
import type { PublicApi } from './public-api.js';

/** The comments of a symbol's declarations; the one that opens a file belongs to the file. */
export function isDocumented(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some((declaration) => {
    const host = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    return ts.getJSDocCommentsAndTags(host).some((comment) => !opensFile(comment));
  });
}

function opensFile(comment: ts.Node): boolean {
  const { text } = comment.getSourceFile();
  return text.slice(0, comment.pos).trim() === '' && /^\s*\n\s*\n/.test(text.slice(comment.end));
}

/** The file and name of a symbol, for messages. */
export function placeOf(symbol: ts.Symbol): string {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? '';
  return `${symbol.name} (src/${file.split('/src/').at(-1) ?? ''})`;
}

/** Methods and accessors of exported classes that say nothing of themselves, nor are said anything of where they come from. */
export function silentMethods({ checker, symbols }: PublicApi): string[] {
  const silent: string[] = [];
  for (const symbol of symbols) {
    const declaration = symbol.valueDeclaration;
    if (declaration === undefined || !ts.isClassDeclaration(declaration)) continue;
    const above = (declaration.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => checker.getTypeAtLocation(type)));
    const members = [...checker.getDeclaredTypeOfSymbol(symbol).getProperties(), ...checker.getTypeOfSymbol(symbol).getProperties()];
    for (const member of members) {
      const own = member.declarations?.find((candidate) => candidate.parent === declaration);
      if (own === undefined || !(ts.isMethodDeclaration(own) || ts.isGetAccessorDeclaration(own)) || !isPublic(own)) continue;
      // Symbols such as asyncDispose, and what every object has, need no words.
      if (ts.isComputedPropertyName(own.name) || ['toString', 'toJSON'].includes(member.name)) continue;
      if (isDocumented(member) || above.some((type) => type.getProperty(member.name) !== undefined)) continue;
      silent.push(`${symbol.name}.${member.name}`);
    }
  }
  return silent;
}

/** Options without a word, of every exported `…Options`. */
export function silentOptions({ symbols }: PublicApi): string[] {
  return [...symbols].flatMap((symbol) => {
    if (!symbol.name.endsWith('Options')) return [];
    const members = (symbol.declarations ?? []).flatMap((declaration) => (ts.isInterfaceDeclaration(declaration) ? [...declaration.members] : []));
    return members
      .filter((member) => ts.getJSDocCommentsAndTags(member).length === 0)
      .map((member) => `${symbol.name}.${member.name?.getText() ?? ''}`);
  });
}

/** Types of the package that public declarations name and no subpath exports, each with who names it. */
export function hiddenTypes(api: PublicApi): Map<string, Set<string>> {
  const hidden = new Map<string, Set<string>>();
  for (const symbol of api.symbols) {
    for (const declaration of symbol.declarations ?? []) {
      for (const type of namedBy(api, declaration)) {
        if (api.symbols.has(type)) continue;
        const users = hidden.get(type.name) ?? new Set();
        hidden.set(type.name, users.add(symbol.name));
      }
    }
  }
  return hidden;
}

/** What the reader of a declaration file sees: no bodies, no private members, no initial values. */
function namedBy({ checker }: PublicApi, declaration: ts.Declaration): ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || (isMember(node) && !isPublic(node))) return;
    if (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node) || ts.isParameter(node)) {
      if (node.type !== undefined) visit(node.type);
      return;
    }
    const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isExpressionWithTypeArguments(node) ? node.expression : undefined;
    const symbol = name && checker.getSymbolAtLocation(ts.isEntityName(name) && ts.isQualifiedName(name) ? name.right : name);
    if (symbol !== undefined) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const [source] = target.declarations ?? [];
      const isOurs = source?.getSourceFile().fileName.includes('/src/') === true && !source.getSourceFile().fileName.includes('/node_modules/');
      if (source !== undefined && isOurs && !ts.isTypeParameterDeclaration(source)) found.push(target);
    }
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found;
}

function isMember(node: ts.Node): node is ts.ClassElement | ts.ParameterDeclaration {
  return ts.isClassElement(node) || ts.isParameter(node);
}

/** Parameters of constructors that are private fields are still what a caller passes. */
function isPublic(node: ts.ClassElement | ts.ParameterDeclaration): boolean {
  if (ts.isParameter(node)) return true;
  const isHash = node.name !== undefined && ts.isPrivateIdentifier(node.name);
  return !isHash && (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) === 0;
}
