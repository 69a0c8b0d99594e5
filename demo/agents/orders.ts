/** The shop's orders, and the tool by which agents look one up. */
import { defineTool, ToolError, type AITool } from 'roomkit';

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

export interface Refund {
  readonly number: string;
  readonly amount: string;
}

/** Money that went back, in this process and, where it has started others, in those. */
export const refunds: Refund[] = [];
/** Told of each. */
export const onRefund = new Set<(refund: Refund) => void>();

/** Gives back one charge too many; a colleague has to allow it, and no charge is given back twice. */
export const refund = defineTool({
  name: 'refund',
  description: 'Gives back one charge of an order that was charged twice. A colleague has to allow it first, which may take a while.',
  parameters: {
    type: 'object',
    properties: {
      number: { type: 'string', pattern: '^[0-9]{5}$', description: 'The order.' },
      amount: { type: 'string', description: 'As it stands in the order: €12.34.' },
    },
    required: ['number', 'amount'],
    additionalProperties: false,
  } as const,
  requiresApproval: true,
  handler: ({ number, amount }) => {
    const charged = ORDERS.find((order) => order.number === number)?.charges.filter((charge) => charge.amount === amount) ?? [];
    if (charged.length < 2) throw new ToolError(`Order ${number} was not charged ${amount} twice.`);
    if (refunds.some((one) => one.number === number)) throw new ToolError(`Order ${number} has its refund already.`);
    refunds.push({ number, amount });
    for (const tell of onRefund) tell({ number, amount });
    return { refunded: amount, number };
  },
});

export function isOrder(result: unknown): result is Order {
  return typeof result === 'object' && result !== null && 'item' in result;
}
