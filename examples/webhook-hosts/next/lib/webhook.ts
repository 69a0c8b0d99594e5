/** One kit per process, made at the first call: Next bundles every route apart, and loads them anew while you develop. */
import type { WebhookHandler } from 'roomkit';
import { openHelpDesk } from '../../help-desk';

const shared = globalThis as typeof globalThis & { helpDesk?: ReturnType<typeof openHelpDesk> };

export const webhook: WebhookHandler = (request, host) => (shared.helpDesk ??= openHelpDesk()).webhook(request, host);
