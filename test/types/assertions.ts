/** Statements about types, for the files beside this one. Nothing of this runs: it compiles, or it does not. */

/** Exactly the same type, `any` included. */
export type Equal<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

/** Compiles for `true` only: `type _ = Expect<Equal<A, B>>`. */
export type Expect<Statement extends true> = Statement;

/** Called where nothing may be left: a `switch` that forgets a case does not compile. */
export function never(value: never): never {
  throw new Error(`Not handled: ${JSON.stringify(value)}`);
}
