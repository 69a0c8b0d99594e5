/** What `wrangler types` writes for this folder, cut down to what is used here. */
interface Env {
  readonly HELP_DESK: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

interface ExportedHandler<Bindings = unknown> {
  fetch(request: Request, env: Bindings, context: ExecutionContext): Promise<Response>;
}

declare module 'cloudflare:workers' {
  export class DurableObject<Bindings = Env> {
    protected readonly ctx: ExecutionContext;
    protected readonly env: Bindings;
    fetch?(request: Request): Promise<Response>;
  }
}
