import type { DesignInput } from '../../src/design/design.ts';

/** A shop of fifteen tables and up to twenty operations, for measuring. */
export function service(operations: number): DesignInput {
  const tables = ['customer', 'address', 'product', 'stock', 'cart', 'cart_item', 'orders', 'order_item'];
  tables.push('payment', 'refund', 'coupon', 'shipment', 'review', 'wallet', 'audit');
  const parents: Record<string, string> = {
    address: 'customer',
    cart: 'customer',
    cart_item: 'cart',
    orders: 'customer',
    order_item: 'orders',
    payment: 'orders',
    refund: 'payment',
    shipment: 'orders',
    review: 'product',
    wallet: 'customer',
    stock: 'product',
  };
  const schema = tables
    .map((name) => {
      const parent = parents[name];
      const link = parent ? `, ${parent}_id int REFERENCES ${parent}(id)` : '';
      return `CREATE TABLE ${name} (id int PRIMARY KEY${link}, status text, amount int, version int)`;
    })
    .join(';\n');
  const read = (t: string) => `x_${t} := SELECT amount FROM ${t} WHERE id = :${t}`;
  const add = (t: string) => `UPDATE ${t} SET amount = amount + :n WHERE id = :${t}`;
  const guard = (t: string) => `r_${t} := UPDATE ${t} SET amount = amount - :n WHERE id = :${t} AND amount >= :n`;
  const set = (t: string) => `UPDATE ${t} SET status = :s WHERE id = :${t}`;
  const lock = (t: string) => `SELECT id FROM ${t} WHERE id = :${t} FOR UPDATE`;
  const sum = (t: string) => `s_${t} := SELECT sum(amount) FROM ${t} WHERE ${parents[t]}_id = :${parents[t]}`;
  const put = (t: string) =>
    parents[t]
      ? `INSERT INTO ${t} (id, ${parents[t]}_id, status, amount) VALUES (:${t}, :${parents[t]}, 'new', :n)`
      : `INSERT INTO ${t} (id, status, amount) VALUES (:${t}, 'new', :n)`;
  const all: [string, string[]][] = [
    ['addToCart', [lock('cart'), read('product'), put('cart_item'), add('cart')]],
    [
      'checkout',
      [
        lock('cart'),
        sum('cart_item'),
        put('orders'),
        put('order_item'),
        guard('stock'),
        'if r_stock == 0: rollback',
        set('cart'),
        put('audit'),
      ],
    ],
    [
      'pay',
      [
        lock('orders'),
        sum('order_item'),
        guard('wallet'),
        'if r_wallet == 0: rollback',
        put('payment'),
        set('orders'),
        put('audit'),
      ],
    ],
    [
      'refund',
      [
        lock('payment'),
        sum('refund'),
        'if s_refund < n: INSERT INTO refund (id, payment_id, amount) VALUES (:refund, :payment, :n)',
        add('wallet'),
        put('audit'),
      ],
    ],
    [
      'ship',
      [
        read('orders'),
        sum('payment'),
        'if s_payment > 0: UPDATE orders SET status = :s WHERE id = :orders',
        put('shipment'),
      ],
    ],
    ['cancel', [lock('orders'), set('orders'), add('stock'), add('wallet'), put('audit')]],
    ['restock', [add('stock'), put('audit')]],
    ['reprice', [`UPDATE product SET amount = :n WHERE id = :product`, put('audit')]],
    ['review', [read('product'), put('review')]],
    ['rating', [sum('review'), read('product')]],
    ['register', [put('customer'), put('wallet'), put('address')]],
    ['move', [read('customer'), set('address')]],
    ['topUp', [add('wallet'), put('audit')]],
    ['statement', [read('customer'), sum('orders'), sum('wallet')]],
    ['redeem', [read('coupon'), 'if x_coupon > 0: UPDATE coupon SET amount = :left WHERE id = :coupon', add('cart')]],
    ['expireCoupons', [`UPDATE coupon SET status = 'old' WHERE amount < :n`]],
    ['clearCart', ['DELETE FROM cart_item WHERE cart_id = :cart', set('cart')]],
    [
      'dashboard',
      [
        'SELECT count(*) FROM orders WHERE status = :s',
        'SELECT sum(amount) FROM payment',
        'SELECT sum(amount) FROM stock',
      ],
    ],
    [
      'transfer',
      [
        guard('wallet'),
        'if r_wallet == 0: rollback',
        'UPDATE wallet SET amount = amount + :n WHERE id = :other',
        put('audit'),
      ],
    ],
    ['reconcile', [sum('payment'), sum('refund'), read('orders'), set('payment')]],
  ];
  return {
    engine: 'postgresql 16',
    schema,
    operations: all.slice(0, operations).map(([name, steps]) => ({ name, steps })),
  };
}
