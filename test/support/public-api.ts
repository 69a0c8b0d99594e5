/** What the package exports, as the compiler sees it: one program over the source of every subpath, made once. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const TYPE_TESTS = join(ROOT, 'test', 'types');

export interface PublicApi {
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** `roomkit/testing` → name → what it stands for, aliases resolved. */
  readonly subpaths: ReadonlyMap<string, ReadonlyMap<string, ts.Symbol>>;
  /** Every exported symbol, once. */
  readonly symbols: ReadonlySet<ts.Symbol>;
}

interface Settings {
  readonly compilerOptions: ts.CompilerOptions & { readonly paths: Readonly<Record<string, readonly string[]>> };
}

const settings = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')).config as Settings;

/** The files behind the subpaths: the `paths` of tsconfig.json, which exports.test.ts holds against package.json. */
export const entryFiles: ReadonlyMap<string, string> = new Map(
  Object.entries(settings.compilerOptions.paths).map(([subpath, [file]]) => [subpath, join(ROOT, file ?? '')]),
);

export const typeTestFiles: readonly string[] = readdirSync(TYPE_TESTS)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join(TYPE_TESTS, file));

/** Parsed once, whatever is compiled with them. */
const parsed = new Map<string, ts.SourceFile>();

/** Compiles the subpaths and type tests, and these texts in the place of files of their names. */
export function compile(texts: ReadonlyMap<string, string> = new Map()): ts.Program {
  const { options } = ts.convertCompilerOptionsFromJson(settings.compilerOptions, ROOT);
  const host = ts.createCompilerHost(options);
  const readSource = host.getSourceFile.bind(host);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, language) => {
    const text = texts.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, language, true);
    const known = parsed.get(file);
    if (known !== undefined) return known;
    const source = readSource(file, language);
    if (source !== undefined) parsed.set(file, source);
    return source;
  };
  const roots = [...new Set([...entryFiles.values(), ...typeTestFiles, ...texts.keys()])];
  return ts.createProgram(roots, options, host);
}

let known: PublicApi | undefined;

export function publicApi(): PublicApi {
  return (known ??= readApi(compile()));
}

function readApi(program: ts.Program): PublicApi {
  const checker = program.getTypeChecker();
  const subpaths = new Map<string, Map<string, ts.Symbol>>();
  const symbols = new Set<ts.Symbol>();
  for (const [subpath, file] of entryFiles) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file}, the file behind '${subpath}', exports nothing. Mend the paths of tsconfig.json.`);
    const names = new Map<string, ts.Symbol>();
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      names.set(exported.name, symbol);
      symbols.add(symbol);
    }
    subpaths.set(subpath, names);
  }
  return { program, checker, subpaths, symbols };
}

/** The type a name stands for: the instances of a class, an interface, an alias. */
export function typeOf({ checker }: PublicApi, symbol: ts.Symbol): ts.Type {
  return checker.getDeclaredTypeOfSymbol(symbol);
}

/** The member of this name, also where the type is a union that has it in one of its parts. */
export function memberOf(type: ts.Type, name: string): ts.Symbol | undefined {
  const found = type.getProperty(name);
  if (found !== undefined || !type.isUnion()) return found;
  for (const part of type.types) {
    const inPart = part.getProperty(name);
    if (inPart !== undefined) return inPart;
  }
  return undefined;
}

/** The diagnostics of these files, as `file:line code message`. */
export function diagnosticsOf(program: ts.Program, files: readonly string[]): { file: string; line: number; code: number; message: string }[] {
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`${file} is no part of the program.`);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => ({
      file,
      line: source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line + 1,
      code: diagnostic.code,
      message: ts.flattenDiagnosticMessageText(diagnostic.messageText, ' '),
    }));
  });
}
