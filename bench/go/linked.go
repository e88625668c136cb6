package main

import (
	"bytes"
	_ "unsafe" // for go:linkname

	_ "github.com/hashicorp/memberlist"
)

// What memberlist does with bytes is not exported. These are its own functions, found by the linker under their names, so
// that what is measured is what its nodes run, and not something like it.

//go:linkname encode github.com/hashicorp/memberlist.encode
func encode(msgType uint8, in any, newTimeFormat bool) (*bytes.Buffer, error)

//go:linkname decode github.com/hashicorp/memberlist.decode
func decode(buf []byte, out any) error

//go:linkname makeCompoundMessage github.com/hashicorp/memberlist.makeCompoundMessage
func makeCompoundMessage(msgs [][]byte) *bytes.Buffer

//go:linkname decodeCompoundMessage github.com/hashicorp/memberlist.decodeCompoundMessage
func decodeCompoundMessage(buf []byte) (trunc int, parts [][]byte, err error)

//go:linkname compressPayload github.com/hashicorp/memberlist.compressPayload
func compressPayload(inp []byte, newTimeFormat bool) (*bytes.Buffer, error)

//go:linkname decompressPayload github.com/hashicorp/memberlist.decompressPayload
func decompressPayload(msg []byte) ([]byte, error)

//go:linkname encryptPayload github.com/hashicorp/memberlist.encryptPayload
func encryptPayload(vsn uint8, key []byte, msg []byte, data []byte, dst *bytes.Buffer) error

//go:linkname decryptPayload github.com/hashicorp/memberlist.decryptPayload
func decryptPayload(keys [][]byte, msg []byte, data []byte) ([]byte, error)
