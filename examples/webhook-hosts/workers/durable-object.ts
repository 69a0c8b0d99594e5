/** The webhook in a Durable Object: one kit for all calls, which remembers as long as the object is awake. */
// #region object
import { DurableObject } from 'cloudflare:workers';
import { openHelpDesk } from '../help-desk.js';

export class HelpDesk extends DurableObject {
  readonly #desk = openHelpDesk();

  override fetch(request: Request): Promise<Response> {
    return this.#desk.webhook(request, { waitUntil: (work) => this.ctx.waitUntil(work) });
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/webhooks/sms') return new Response('My own page');
    return env.HELP_DESK.getByName('help-desk').fetch(request);
  },
} satisfies ExportedHandler<Env>;
// #endregion
