package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"
)

// isPlain tells whether a verifier key is of type 0x01.
func isPlain(vkey string) bool {
	_, err := note.NewVerifier(vkey)
	return err == nil
}

// seed reads a key's seed in hexadecimal from standard input.
func seed() (ed25519.PrivateKey, error) {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	data, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(data) != ed25519.SeedSize {
		return nil, errors.New("a seed is 64 hexadecimal digits")
	}
	return ed25519.NewKeyFromSeed(data), nil
}

// ed25519Key returns x/mod's text form of the private key of a name, whose seed is on standard input.
func ed25519Key(arguments []string) (any, error) {
	key, err := seed()
	if err != nil {
		return nil, err
	}
	vkey, err := note.NewEd25519VerifierKey(arguments[0], key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	id := strings.SplitN(vkey, "+", 3)[1]
	data := append([]byte{1}, key.Seed()...)
	text := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", arguments[0], id, base64.StdEncoding.EncodeToString(data))
	if _, err := note.NewSigner(text); err != nil {
		return nil, err
	}
	return map[string]string{"private": text, "public": vkey}, nil
}

// mldsaKey returns a new ML-DSA-44 key of a name.
func mldsaKey(arguments []string) (any, error) {
	private, public, err := formats.GenerateMLDSAKey(arguments[0])
	if err != nil {
		return nil, err
	}
	return map[string]string{"private": private, "public": public}, nil
}

// mldsaSign returns the note in a file with the ML-DSA-44 cosignature of the key in another file added.
func mldsaSign(arguments []string) (any, error) {
	signed, err := os.ReadFile(arguments[0])
	if err != nil {
		return nil, err
	}
	private, err := os.ReadFile(arguments[1])
	if err != nil {
		return nil, err
	}
	signer, err := formats.NewSignerForCosignatureV1(strings.TrimSpace(string(private)))
	if err != nil {
		return nil, err
	}
	// Opened by nobody's key: signatures that are there stay, verified or not.
	_, err = note.Open(signed, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return nil, err
	}
	return nil, write(note.Sign(unverified.Note, signer))
}

// agentServer serves the key whose seed is on standard input to SSH agents' clients on the socket at a path, and
// says the key's fingerprint once it listens.
func agentServer(arguments []string) (any, error) {
	key, err := seed()
	if err != nil {
		return nil, err
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return nil, err
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", arguments[0])
	if err != nil {
		return nil, err
	}
	fmt.Println(ssh.FingerprintSHA256(public))
	for {
		connection, err := listener.Accept()
		if err != nil {
			return nil, err
		}
		go agent.ServeAgent(keys, connection)
	}
}

func write(data []byte, err error) error {
	if err == nil {
		_, err = os.Stdout.Write(data)
	}
	return err
}
