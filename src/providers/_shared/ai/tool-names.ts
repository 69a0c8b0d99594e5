/** Names of tools in the letters a vendor takes, and back. */
import type { AIContext } from '../../../core/models/ai.js';

/** The kit allows a dot in names, vendors do not. Names that need no change are their own. */
export class ToolNames {
  readonly #toWire = new Map<string, string>();
  readonly #fromWire = new Map<string, string>();

  /** All names that occur in the context: offered tools, and calls of the conversation. */
  constructor(context: AIContext, maxLength: number) {
    const names = new Set(context.tools.map((tool) => tool.name));
    for (const { content } of context.messages) {
      if (typeof content !== 'string') for (const part of content) if (part.type === 'tool_call' || part.type === 'tool_result') names.add(part.name);
    }
    // Names that fit go first: what is made up must not take theirs.
    const fits = (name: string): boolean => /^[\w-]+$/.test(name) && name.length <= maxLength;
    for (const name of names) if (fits(name)) this.#add(name, name);
    for (const name of names) if (!fits(name)) this.#add(name, this.#free(name.replace(/[^\w-]/g, '_'), maxLength));
  }

  toWire(name: string): string {
    return this.#toWire.get(name) ?? name;
  }

  /** A name that was never offered stays as the model wrote it: the loop refuses it. */
  fromWire(name: string): string {
    return this.#fromWire.get(name) ?? name;
  }

  #add(name: string, wire: string): void {
    this.#toWire.set(name, wire);
    this.#fromWire.set(wire, name);
  }

  #free(wanted: string, maxLength: number): string {
    let wire = wanted.slice(0, maxLength);
    for (let n = 2; this.#fromWire.has(wire); n++) wire = `${wanted.slice(0, maxLength - 4)}_${n}`;
    return wire;
  }
}
