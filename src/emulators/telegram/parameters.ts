/** The parameters of a call: in its query, as a form, as JSON, or in parts with files. */
import { isFields, listOf, type Fields } from '../problem.js';
import type { RecordedRequest } from '../loopback.js';
import { badRequest } from './refusal.js';

/** A file that came with a call. */
export interface UploadedFile {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
  readonly filename: string;
}

export class Parameters {
  constructor(
    private readonly fields: Fields,
    private readonly files: ReadonlyMap<string, UploadedFile>,
  ) {}

  static async of(request: RecordedRequest): Promise<Parameters> {
    const query = new URL(request.path, 'http://telegram').searchParams;
    const fields: Record<string, unknown> = Object.fromEntries(query);
    const files = new Map<string, UploadedFile>();
    const type = request.headers['content-type'] ?? '';
    if (type.startsWith('application/json')) {
      if (request.text !== '' && !isFields(request.body)) throw badRequest("can't parse request body as JSON object");
      Object.assign(fields, request.body);
    } else if (type.startsWith('application/x-www-form-urlencoded')) Object.assign(fields, Object.fromEntries(new URLSearchParams(request.text)));
    else if (type.startsWith('multipart/form-data')) {
      const form = await new Response(request.bytes, { headers: { 'content-type': type } }).formData();
      for (const [name, value] of form) {
        if (typeof value === 'string') fields[name] = value;
        else files.set(name, { bytes: new Uint8Array(await value.arrayBuffer()), mimeType: value.type, filename: value.name });
      }
    }
    return new Parameters(fields, files);
  }

  text(name: string): string | undefined {
    const value = this.fields[name];
    return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    const value = text === undefined || text === '' ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  }

  is(name: string): boolean {
    return this.text(name)?.toLowerCase() === 'true' || this.text(name) === '1';
  }

  /** A parameter that is an object or a list; in forms it is written as JSON. */
  json(name: string): unknown {
    const value = this.fields[name];
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      throw badRequest(`can't parse ${name}: Can't parse JSON object`);
    }
  }

  object(name: string): Fields | undefined {
    const value = this.json(name);
    return isFields(value) ? value : undefined;
  }

  list(name: string): readonly Fields[] {
    return listOf(this.json(name)).filter(isFields);
  }

  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  file(name: string): UploadedFile | undefined {
    return this.files.get(name);
  }
}
