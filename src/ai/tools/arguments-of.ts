/** The type of a tool's arguments, read off its schema by the compiler. Nothing of this runs. */
import type { JsonSchema } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import type { OutputOf, StandardSchema } from './standard-schema.js';

/**
 * What a handler gets: what a Standard Schema puts out, or what a JSON Schema written in place describes. A JSON Schema
 * that the compiler does not see (read from a file, say) gives an open map.
 */
export type ArgumentsOf<Schema extends StandardSchema | JsonSchema> = Schema extends StandardSchema
  ? OutputOf<Schema>
  : unknown extends ValueOf<Schema>
    ? Metadata
    : ValueOf<Schema>;

/** The values a JSON Schema describes; `unknown` where it says nothing the compiler can use. */
type ValueOf<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly anyOf: readonly (infer Branch)[] }
      ? ValueOf<Branch>
      : Schema extends { readonly oneOf: readonly (infer Branch)[] }
        ? ValueOf<Branch>
        : Schema extends { readonly type: infer Type }
          ? TypeNamed<Type, Schema>
          : unknown;

type TypeNamed<Type, Schema> = Type extends readonly (infer One)[]
  ? TypeNamed<One, Schema>
  : Type extends 'string'
    ? string
    : Type extends 'number' | 'integer'
      ? number
      : Type extends 'boolean'
        ? boolean
        : Type extends 'null'
          ? null
          : Type extends 'array'
            ? ListOf<Schema>
            : Type extends 'object'
              ? ObjectOf<Schema>
              : unknown;

type ListOf<Schema> = Schema extends { readonly items: infer Items } ? readonly ValueOf<Items>[] : readonly unknown[];

type ObjectOf<Schema> = Schema extends { readonly properties: infer Properties } ? Fields<Properties, RequiredOf<Schema>> : Metadata;

type RequiredOf<Schema> = Schema extends { readonly required: readonly (infer Name)[] } ? Name : never;

/** Written as one object type, so that hovering over a handler's arguments shows their fields. */
type Fields<Properties, Required> = Flat<
  { readonly [Name in keyof Properties as Name extends Required ? Name : never]: ValueOf<Properties[Name]> } & {
    readonly [Name in keyof Properties as Name extends Required ? never : Name]?: ValueOf<Properties[Name]>;
  }
>;

type Flat<Type> = Type extends infer All ? { [Name in keyof All]: All[Name] } : never;
