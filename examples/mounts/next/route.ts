/** RoomKit in a Next application: this is app/api/[...path]/route.ts. */
// #region mount
import { toRouteHandlers } from 'roomkit/server';
import { handle } from './handler.js';

export const dynamic = 'force-dynamic';
export const runtime = 'nodejs';
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = toRouteHandlers(handle);
// #endregion
