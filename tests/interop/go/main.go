// Command peers lets Go's own implementations of the C2SP formats look at what secballot has made, and make what
// secballot is to look at. It decides nothing itself: every judgement is golang.org/x/mod's, torchwood's, tessera's or
// transparency-dev/formats'. What they find goes to standard output as JSON; a refusal is one line on standard error
// and exit code 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var commands = map[string]func(arguments []string) (any, error){
	"read":        read,        // a whole log over HTTP, by three readers
	"proofs":      proofs,      // Merkle proofs from a file, each accepted or not
	"tlog-proof":  tlogProof,   // a tlog-proof under a policy
	"open":        open,        // a note by verifier keys of any type
	"mldsa-key":   mldsaKey,    // a new ML-DSA-44 key
	"mldsa-sign":  mldsaSign,   // a checkpoint under one more signature
	"agent":       agentServer, // an SSH agent, from which litewitness takes its key
	"ed25519-key": ed25519Key,  // the private key text of a seed
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "unknown command")
		os.Exit(2)
	}
	found, err := commands[os.Args[1]](os.Args[2:])
	if err == nil && found != nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
