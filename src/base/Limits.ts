/**
 * Every limit of the wire format in one place.
 *
 * Each is checked against what the bytes announce, before anything is allocated for it. Where a limit is the
 * reference's own its name there is given; the others bound what the reference leaves open, far above what a correct
 * peer sends.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** Bytes a datagram can hold at most. memberlist: `udpPacketBufSize`. */
export const MAX_DATAGRAM_BYTES = 65_536

/** Bytes of a label; one byte holds the length. memberlist: `LabelMaxSize`. */
export const MAX_LABEL = 255

/** Bytes of metadata a node may announce; not checked on receipt by the codec. memberlist: `MetaMaxSize`. */
export const MAX_META = 512

/** Parts a compound message can hold: its count is one byte. */
export const MAX_COMPOUND_PARTS = 255

/** Parts a compound message is given: releases before 0.2.4 misread a count of 128 and more. */
export const MAX_PARTS = 127

/** Bytes of one part of a compound message: its length is two bytes. */
export const MAX_COMPOUND_PART_BYTES = 65_535

/** Bytes of an encrypted stream frame after its length. memberlist: `maxPushStateBytes`. */
export const MAX_ENCRYPTED_FRAME_BYTES = 20_971_520

/** Node states in one push/pull. memberlist: `maxPushStateNodes`. */
export const MAX_PUSH_PULL_NODES = 1_048_576

/** Bytes of user state in one push/pull. memberlist: `maxPushStateBytes`. */
export const MAX_USER_STATE = 20_971_520

/** Bytes of a user message on a stream. memberlist: `maxUserMsgBytes`. */
export const MAX_USER_MESSAGE = 20_971_520

/** Bytes a compressed stream message may decompress to. memberlist: `maxDecompressedBytes`. */
export const MAX_DECOMPRESSED_BYTES = 41_943_040

/**
 * Bytes of one stream message as received. The reference bounds only the encrypted and the compressed form; the same
 * 40 MiB as for decompression bounds the plain one.
 */
export const MAX_STREAM_BYTES = 41_943_040

/**
 * Bytes all compressed parts of one datagram may decompress to together, where nothing else is configured. The
 * reference allows each 40 MiB, which a single datagram can reach; 256 KiB is four full datagrams.
 */
export const MAX_PACKET_DECOMPRESSED_BYTES = 262_144

/**
 * Wrappers (compress, compound) around a message in a datagram. Correct peers use two: compress around compound. The
 * reference recurses without limit.
 */
export const MAX_PACKET_NESTING = 4

/**
 * Messages and refused parts one datagram may yield, nested compounds included. A correct peer sends one compound of at
 * most 255.
 */
export const MAX_PACKET_MESSAGES = 1_024

/**
 * Values one datagram may make us visit: messages, their fields, elements of arrays, and all that is passed over. The
 * largest datagram that makes sense, 255 messages of seven fields, has 2,040. The reference has no limit: 3.4 kB can
 * hold 349,000, and cost more than a tenth of a second.
 */
export const MAX_PACKET_ENTRIES = 16_384

/** Fields a message may have, known or not. The reference knows at most eight, and sends no others. */
export const MAX_STRUCT_FIELDS = 64

/**
 * Values one message may make us visit: its fields, elements of arrays, and all that is passed over. It bounds metadata
 * and addresses only where they come as arrays of integers, which no peer sends.
 */
export const MAX_MESSAGE_ENTRIES = 2_048

/** Containers a msgpack value may be nested in. go-msgpack: `decDefMaxDepth`. */
export const MAX_MSGPACK_DEPTH = 1_024

/** Nodes that may push/pull with us at the same time. memberlist: `maxPushPullRequests` is one more. */
export const MAX_PUSH_PULLS = 127

/**
 * The largest stream message that is compressed when compression is on; larger ones are sent as they are. LZW is
 * synchronous and takes about 20 ms for a mebibyte: a message of 20 MiB would stop this node's probes and acks for half
 * a second, and its peers would suspect it. memberlist compresses every stream message; it accepts either.
 */
export const MAX_COMPRESSED_STREAM_INPUT = 524_288

/** Values that a stream decoder visits before others have their turn: 2 to 4 ms. */
export const SLICE_ENTRIES = 16_384

/** Bytes that are decrypted, encrypted or decompressed before others have their turn: 1 to 4 ms. */
export const SLICE_BYTES = 262_144

/** Rows of a push/pull that are encoded before others have their turn. */
export const SLICE_ROWS = 1_000

/**
 * Rows that are merged before others have their turn, of a push/pull that has more than `SLICE_ROWS`: 1 ms, and ten
 * times as long the first time, while the code is not compiled.
 */
export const MERGE_ROWS = 256
