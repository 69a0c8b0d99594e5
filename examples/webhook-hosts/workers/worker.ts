/** The webhook in a Worker. Each call opens a kit of its own, which has ended when the host lets it sleep. */
// #region worker
import { openHelpDesk } from '../help-desk.js';

export default {
  async fetch(request, _env, context) {
    if (new URL(request.url).pathname !== '/webhooks/sms') return new Response('My own page');
    const { webhook } = openHelpDesk();
    return webhook(request, { waitUntil: (work) => context.waitUntil(work) });
  },
} satisfies ExportedHandler;
// #endregion
