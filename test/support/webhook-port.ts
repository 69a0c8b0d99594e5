/** A webhook on a real port, which remembers each call and can be called with the same bytes again. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebhookPort {
  /** Where vendors call: `http://127.0.0.1:PORT/webhooks/sms`. */
  readonly url: string;
  /** Every call and the status it was answered with, oldest first. */
  readonly calls: readonly { readonly request: Request; readonly status: number; readonly answer: string }[];
  /** Makes a call once more, byte for byte; gives the status of the answer. */
  replay(position: number): Promise<number>;
  close(): Promise<void>;
}

/** Serves what `handler()` gives; it may be set after the port is open, as vendors want to know the address first. */
export async function openWebhookPort(handler: () => (request: Request) => Promise<Response>): Promise<WebhookPort> {
  const calls: { request: Request; body: Buffer; status: number; answer: string }[] = [];
  const handle = async (request: Request, body: Buffer): Promise<Response> => {
    const whole = (): Request =>
      new Request(request.url, { method: request.method, headers: request.headers, ...(body.length > 0 && { body: new Uint8Array(body) }) });
    const response = await handler()(whole());
    calls.push({ request: whole(), body, status: response.status, answer: await response.clone().text() });
    return response;
  };
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const headers = new Headers(incoming.headers as Record<string, string>);
      const url = `http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`;
      const response = await handle(new Request(url, { method: incoming.method ?? 'GET', headers }), Buffer.concat(chunks));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/sms`,
    calls,
    replay: async (position) => {
      const call = calls[position];
      if (call === undefined) throw new Error(`There is no call ${position}; ${calls.length} were made.`);
      return (await handle(call.request, call.body)).status;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits for what happens over sockets, in real time. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`This did not come true in 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
