/** The shop's orders, and the tool by which agents look one up. */
import type { AITool } from 'roomkit';

export interface Order {
  readonly number: string;
  readonly item: string;
  readonly status: string;
  readonly charges: readonly { readonly date: string; readonly amount: string }[];
}

const ORDERS: readonly Order[] = [
  {
    number: '12345',
    item: 'a mesh router, two pack',
    status: 'was delivered on 12 November',
    charges: [
      { date: '14 November', amount: '€49.90' },
      { date: '14 November', amount: '€49.90' },
    ],
  },
  { number: '20817', item: 'a desk lamp', status: 'is on its way, expected tomorrow', charges: [{ date: '20 November', amount: '€32.00' }] },
  {
    number: '31002',
    item: 'a wireless keyboard',
    status: 'is packed and leaves the warehouse today',
    charges: [{ date: '23 November', amount: '€79.00' }],
  },
];

export const lookupOrder: AITool = {
  name: 'lookup_order',
  description: 'Looks up an order by its five-digit number: item, status and charges.',
  parameters: {
    type: 'object',
    properties: { number: { type: 'string', pattern: '^[0-9]{5}$' } },
    required: ['number'],
    additionalProperties: false,
  },
  idempotent: true,
  handler: ({ number }) => ORDERS.find((order) => order.number === number) ?? { error: `There is no order ${String(number)}.` },
};

export function isOrder(result: unknown): result is Order {
  return typeof result === 'object' && result !== null && 'item' in result;
}
