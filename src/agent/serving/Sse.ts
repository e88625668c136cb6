/**
 * Server-Sent Events as text.
 *
 * @since 0.1.0
 */

/**
 * Returns an event. The data is one line, because JSON has its line ends escaped; halves of surrogate pairs are escaped
 * too, and times are text.
 */
export const text = (id: number, event: string, data: object): string => written(id, event, JSON.stringify(data))

/** Returns an event whose data is JSON already. */
export const written = (id: number, event: string, json: string): string =>
  `id: ${id}\nevent: ${event}\ndata: ${json}\n\n`
