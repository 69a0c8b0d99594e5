/** Every route of the server, in the order of the document. */
import { approvalRoutes } from './approvals.js';
import { channelRoutes } from './channels.js';
import { clientTokenRoutes } from './client-tokens.js';
import { conversationRoutes } from './conversation.js';
import { deliveryRoutes } from './deliveries.js';
import { documentRoutes } from './document.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { identityRoutes } from './identities.js';
import { markerRoutes } from './markers.js';
import { messageRoutes } from './messages.js';
import { peopleRoutes } from './people.js';
import { privacyRoutes } from './privacy.js';
import { roomRoutes } from './rooms.js';
import type { Route } from './route.js';
import { statisticsRoutes } from './statistics.js';
import { streamRoutes } from './stream.js';
import { usageRoutes } from './usage.js';
import { workRoutes } from './work.js';

/** All but the document itself, which is written from these. */
const described: readonly Route[] = [
  ...roomRoutes,
  ...messageRoutes,
  ...eventRoutes,
  ...streamRoutes,
  ...channelRoutes,
  ...peopleRoutes,
  ...identityRoutes,
  ...privacyRoutes,
  ...conversationRoutes,
  ...workRoutes,
  ...approvalRoutes,
  ...deliveryRoutes,
  ...markerRoutes,
  ...statisticsRoutes,
  ...usageRoutes,
  ...clientTokenRoutes,
  ...healthRoutes,
];

export const ROUTES: readonly Route[] = [...described, ...documentRoutes(described)];
