/** What the emulated Graph API does for every product: who calls, which version, webhooks signed and verified, a clock, files. */
import { createHmac, randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { RecordedRequest } from '../loopback.js';
import { VendorEmulator, type VendorEmulatorOptions, type WebhookCall } from '../vendor-emulator.js';
import { GraphRefusal, problemBody, type GraphProblem } from './graph-refusal.js';

/** What an emulator of the Graph API is started with. */
export interface GraphEmulatorOptions extends VendorEmulatorOptions {
  /** Default `test-token`. */
  readonly accessToken?: string;
  /** Signs webhooks. Default `test-app-secret`. */
  readonly appSecret?: string;
  /** What `subscribe()` proves to know. Default `test-verify-token`. */
  readonly verifyToken?: string;
  /** Calls without `appsecret_proof` are refused, as the app's setting "Require App Secret" does. Default false. */
  readonly requiresProof?: boolean;
  /** What time it is for windows and timestamps. Default: the machine's. */
  readonly now?: () => number;
}

/** A file that was uploaded, or that somebody sent. */
export interface StoredFile {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly mimeType: string;
}

/** Versions Meta still serves in November 2026. @see https://developers.facebook.com/docs/graph-api/changelog */
const VERSIONS: ReadonlySet<string> = new Set(['v22.0', 'v23.0', 'v24.0', 'v25.0', 'v26.0']);
/** How long a business may answer freely. */
export const WINDOW_MS = 24 * 3_600_000;

/** One product of Meta's on loopback. */
export abstract class GraphEmulator extends VendorEmulator {
  readonly accessToken: string;
  readonly appSecret: string;
  readonly verifyToken: string;
  readonly #requiresProof: boolean;
  readonly #now: () => number;
  #advancedMs = 0;
  readonly #files = new Map<string, StoredFile>();

  protected constructor(options: GraphEmulatorOptions) {
    super(options);
    this.accessToken = options.accessToken ?? 'test-token';
    this.appSecret = options.appSecret ?? 'test-app-secret';
    this.verifyToken = options.verifyToken ?? 'test-verify-token';
    this.#requiresProof = options.requiresProof ?? false;
    this.#now = options.now ?? Date.now;
  }

  /** What time it is at Meta's, in milliseconds since 1970. */
  now(): number {
    return this.#now() + this.#advancedMs;
  }

  /** Lets time go by at Meta's: windows close. */
  advance(ms: number): void {
    this.#advancedMs += ms;
  }

  /** What Meta does when the webhook's address is entered in its console: asks it, and wants its own words back. */
  async subscribe(verifyToken = this.verifyToken): Promise<{ readonly status: number; readonly isVerified: boolean }> {
    const challenge = String(randomInt(1_000_000_000, 2_000_000_000));
    const url = new URL(this.#webhook());
    url.searchParams.set('hub.mode', 'subscribe');
    url.searchParams.set('hub.verify_token', verifyToken);
    url.searchParams.set('hub.challenge', challenge);
    const response = await fetch(url);
    const text = await response.text();
    return { status: response.status, isVerified: response.status === 200 && text === challenge };
  }

  /** The product's name in details of refusals. */
  protected abstract readonly product: string | undefined;

  /** Answers a call that is allowed; `path` is what stands behind the version. */
  protected abstract answerCall(request: RecordedRequest, path: string): unknown;

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.path, this.url);
      const download = /^\/downloads\/(\d+)$/.exec(url.pathname)?.[1];
      this.#checkAccess(request, url);
      if (download !== undefined) {
        this.#sendFile(download, response);
        return;
      }
      const [, version = '', path = ''] = /^\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
      if (!VERSIONS.has(version))
        throw new GraphRefusal({ status: 400, code: 2635, message: '(#2635) You are calling a deprecated version of the Graph API.' });
      sendJson(response, 200, await this.answerCall(request, path));
    } catch (error) {
      if (!(error instanceof GraphRefusal)) throw error;
      sendJson(response, error.problem.status, problemBody(error.problem, this.product));
    }
  }

  protected failureBody(status: number): unknown {
    return problemBody(this.failureOf(status), this.product);
  }

  /** What the product says with a status that a fault asked for. */
  protected abstract failureOf(status: number): GraphProblem;

  /** Calls the webhook, signed over exactly these bytes. Meta escapes what is not ASCII. */
  protected callBack(payload: unknown): Promise<WebhookCall> {
    const body = JSON.stringify(payload).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const signature = createHmac('sha256', this.appSecret).update(body).digest('hex');
    const headers = { 'content-type': 'application/json', 'user-agent': 'facebookexternalua', 'x-hub-signature-256': `sha256=${signature}` };
    return this.callWebhook(this.#webhook(), headers, body);
  }

  /** Keeps a file, as uploaded or as sent by somebody. */
  storeFile(bytes: Uint8Array, mimeType: string): StoredFile {
    const id = String(randomInt(100_000_000_000, 200_000_000_000)) + String(randomInt(1000, 9999));
    const file = { id, bytes, mimeType };
    this.#files.set(id, file);
    return file;
  }

  /** A file by its id. */
  file(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  /** The fields and the file of a form. */
  protected async formOf(request: RecordedRequest): Promise<FormData> {
    try {
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      return await new Response(new Uint8Array(request.bytes), { headers }).formData();
    } catch {
      throw new GraphRefusal({ status: 400, code: 100, message: '(#100) The request is no multipart form.' });
    }
  }

  #webhook(): string {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    return this.webhookUrl;
  }

  #checkAccess({ headers }: RecordedRequest, url: URL): void {
    const token = headers.authorization?.replace(/^Bearer /, '') ?? url.searchParams.get('access_token');
    if (token !== this.accessToken)
      throw new GraphRefusal({ status: 401, code: 190, message: 'Invalid OAuth access token - Cannot parse access token' });
    const given = url.searchParams.get('appsecret_proof');
    if (given === null && !this.#requiresProof) return;
    if (given === null && url.pathname.startsWith('/downloads/')) return;
    const expected = createHmac('sha256', this.appSecret).update(this.accessToken).digest('hex');
    if (given !== expected)
      throw new GraphRefusal({
        status: 400,
        code: 100,
        type: 'GraphMethodException',
        message:
          given === null ? 'API calls from the server require an appsecret_proof argument' : 'Invalid appsecret_proof provided in the API argument',
      });
  }

  #sendFile(id: string, response: ServerResponse): void {
    const file = this.#files.get(id);
    if (file === undefined) throw new GraphRefusal({ status: 404, code: 100, subcode: 33, message: 'Unsupported get request.' });
    response.writeHead(200, { 'content-type': file.mimeType });
    response.end(file.bytes);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'facebook-api-version': 'v26.0' });
  response.end(JSON.stringify(body));
}
