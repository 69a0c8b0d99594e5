/** The webhook in a Next application. */
// #region route
import { after } from 'next/server';
import { webhook } from '../../../lib/webhook';

export const dynamic = 'force-dynamic';
export const runtime = 'nodejs';
export const POST = (request: Request): Promise<Response> => webhook(request, { waitUntil: after });
// #endregion
