package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// reading is what all readers agree on.
type reading struct {
	Size        int64      `json:"size"`
	Root        string     `json:"root"`
	Entries     []string   `json:"entries"`     // hexadecimal SHA-256 of each
	Inclusion   [][]string `json:"inclusion"`   // base64 hashes of the proof of each entry
	Consistency [][]string `json:"consistency"` // the same from every size above 0 to this one
}

// read reads the log at a URL whole, by x/mod, by torchwood and by tessera, and fails where they differ.
func read(arguments []string) (any, error) {
	flags := flag.NewFlagSet("read", flag.ExitOnError)
	prefix := flags.String("url", "", "prefix of the log, without a slash at the end")
	origin := flags.String("origin", "", "of the log")
	vkey := flags.String("log", "", "verifier key of the log")
	policy := flags.String("policy", "", "file with a policy")
	types := flags.Bool("types", true, "whether the server knows content types; static file servers guess them")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	anyType = !*types
	verifier, err := note.NewVerifier(*vkey)
	if err != nil {
		return nil, err
	}
	signed, err := get(*prefix+"/checkpoint", "text/plain; charset=utf-8")
	if err != nil {
		return nil, err
	}
	tree, err := openTree(signed, *origin, verifier, *policy)
	if err != nil {
		return nil, err
	}
	found, err := readByMod(*prefix, tree)
	if err != nil {
		return nil, fmt.Errorf("x/mod: %w", err)
	}
	if found.Entries, err = readByTorchwood(*prefix, tree); err != nil {
		return nil, fmt.Errorf("torchwood: %w", err)
	}
	if err := readByTessera(*prefix, *origin, verifier, found); err != nil {
		return nil, fmt.Errorf("tessera: %w", err)
	}
	return found, nil
}

// openTree opens the checkpoint twice: by x/mod with the log's key, by torchwood under the policy.
func openTree(signed []byte, origin string, verifier note.Verifier, policyFile string) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("x/mod: %w", err)
	}
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return tlog.Tree{}, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("torchwood: %w", err)
	}
	checkpoint, agreed, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("torchwood: %w", err)
	}
	if agreed.Text != opened.Text || checkpoint.Origin != origin || checkpoint.Extension != "" {
		return tlog.Tree{}, errors.New("x/mod and torchwood read different checkpoints")
	}
	return checkpoint.Tree, nil
}

// readByMod makes every inclusion proof and every consistency proof from the tiles, and verifies it.
func readByMod(prefix string, tree tlog.Tree) (*reading, error) {
	hashes := tlog.TileHashReader(tree, &tileReader{prefix, map[string][]byte{}})
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, errors.New("the tiles have another root")
	}
	found := &reading{Size: tree.N, Root: tree.Hash.String()}
	for index := range tree.N {
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return nil, err
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0]); err != nil {
			return nil, err
		}
		found.Inclusion = append(found.Inclusion, spelled(proof))
		size := index + 1
		smaller, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return nil, err
		}
		growth, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckTree(growth, tree.N, tree.Hash, size, smaller); err != nil {
			return nil, err
		}
		found.Consistency = append(found.Consistency, spelled(growth))
	}
	return found, nil
}

// readByTorchwood reads every entry through its client, which checks each against the tree.
func readByTorchwood(prefix string, tree tlog.Tree) ([]string, error) {
	fetcher, err := torchwood.NewTileFetcher(prefix)
	if err != nil {
		return nil, err
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		return nil, err
	}
	var entries []string
	for index, entry := range reader.AllEntries(context.Background(), tree, 0) {
		if index != int64(len(entries)) {
			return nil, fmt.Errorf("entry %d comes in place of %d", index, len(entries))
		}
		digest := sha256.Sum256(entry)
		entries = append(entries, hex.EncodeToString(digest[:]))
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if int64(len(entries)) != tree.N {
		return nil, fmt.Errorf("%d entries of %d", len(entries), tree.N)
	}
	last, _, err := reader.Entry(context.Background(), tree, tree.N-1)
	if err != nil {
		return nil, err
	}
	if digest := sha256.Sum256(last); hex.EncodeToString(digest[:]) != entries[tree.N-1] {
		return nil, errors.New("the last entry differs when it is read alone")
	}
	return entries, nil
}

// readByTessera reads checkpoint, bundles and proofs, and compares them with what the others found.
func readByTessera(prefix, origin string, verifier note.Verifier, found *reading) error {
	ctx := context.Background()
	root, err := url.Parse(prefix + "/")
	if err != nil {
		return err
	}
	fetcher, err := client.NewHTTPFetcher(root, nil)
	if err != nil {
		return err
	}
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, origin)
	if err != nil {
		return err
	}
	size := checkpoint.Size
	if size != uint64(found.Size) {
		return fmt.Errorf("size %d", size)
	}
	builder, err := client.NewProofBuilder(ctx, size, fetcher.ReadTile)
	if err != nil {
		return err
	}
	for index := range size {
		inclusion, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return err
		}
		growth, err := builder.ConsistencyProof(ctx, index+1, size)
		if err != nil {
			return err
		}
		if !same(inclusion, found.Inclusion[index]) || !same(growth, found.Consistency[index]) {
			return fmt.Errorf("other proofs than x/mod's for entry %d", index)
		}
	}
	at := 0
	for number := uint64(0); number*torchwood.TileWidth < size; number++ {
		bundle, err := client.GetEntryBundle(ctx, fetcher.ReadEntryBundle, number, size)
		if err != nil {
			return err
		}
		for _, entry := range bundle.Entries {
			if digest := sha256.Sum256(entry); at >= len(found.Entries) || hex.EncodeToString(digest[:]) != found.Entries[at] {
				return fmt.Errorf("entry %d differs from torchwood's", at)
			}
			at++
		}
	}
	if at != len(found.Entries) {
		return fmt.Errorf("%d entries in the bundles", at)
	}
	return nil
}

// tileReader reads tiles of tlog-tiles for x/mod, whose own layout has one more path element.
type tileReader struct {
	prefix string
	saved  map[string][]byte
}

func (*tileReader) Height() int { return torchwood.TileHeight }

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", torchwood.TileHeight), "tile/", 1)
		data, known := r.saved[path]
		if !known {
			var err error
			if data, err = get(r.prefix+"/"+path, "application/octet-stream"); err != nil {
				return nil, err
			}
		}
		all = append(all, data)
	}
	return all, nil
}

func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for at, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", torchwood.TileHeight), "tile/", 1)
		r.saved[path] = data[at]
	}
}

// anyType is set where content types are not looked at.
var anyType bool

// get returns a body if status and content type are as C2SP has them.
func get(address, contentType string) ([]byte, error) {
	response, err := http.Get(address)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, response.Status)
	}
	if sent := response.Header.Get("Content-Type"); !anyType && sent != contentType {
		return nil, fmt.Errorf("%s: content type %q", address, sent)
	}
	return io.ReadAll(response.Body)
}

func spelled(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hash.String())
	}
	return texts
}

func same(hashes [][]byte, texts []string) bool {
	if len(hashes) != len(texts) {
		return false
	}
	for at, text := range texts {
		parsed, err := tlog.ParseHash(text)
		if err != nil || !bytes.Equal(hashes[at], parsed[:]) {
			return false
		}
	}
	return true
}
