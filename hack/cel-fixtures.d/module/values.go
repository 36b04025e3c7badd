package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// encode writes a value as JSON that keeps its type: null, booleans, strings and lists as they are, everything else as an object with one key.
func encode(value ref.Val) any {
	switch v := value.(type) {
	case types.Null:
		return map[string]any{"$null": 0}
	case types.Bool:
		return bool(v)
	case types.String:
		return string(v)
	case types.Int:
		return map[string]any{"$i": strconv.FormatInt(int64(v), 10)}
	case types.Uint:
		return map[string]any{"$u": strconv.FormatUint(uint64(v), 10)}
	case types.Double:
		return map[string]any{"$d": formatDouble(float64(v))}
	case types.Bytes:
		return map[string]any{"$b": base64.StdEncoding.EncodeToString(v)}
	case types.Timestamp:
		return map[string]any{"$ts": v.UTC().Format(time.RFC3339Nano)}
	case types.Duration:
		return map[string]any{"$du": strconv.FormatInt(int64(v.Duration), 10)}
	case *types.Optional:
		if v.HasValue() {
			return map[string]any{"$o": []any{encode(v.GetValue())}}
		}
		return map[string]any{"$o": []any{}}
	case *types.Type:
		return map[string]any{"$ty": v.TypeName()}
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			list = append(list, encode(it.Next()))
		}
		return list
	case traits.Mapper:
		return map[string]any{"$m": encodeMap(v)}
	}
	return map[string]any{"$x": value.Type().TypeName()}
}

func encodeMap(m traits.Mapper) []any {
	entries := []any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		entries = append(entries, []any{encode(key), encode(m.Get(key))})
	}
	text := func(entry any) string {
		encoded, _ := json.Marshal(entry)
		return string(encoded)
	}
	slices.SortFunc(entries, func(a, b any) int {
		if text(a) < text(b) {
			return -1
		}
		return 1
	})
	return entries
}

func formatDouble(value float64) string {
	if math.IsInf(value, 1) {
		return "Infinity"
	}
	if math.IsInf(value, -1) {
		return "-Infinity"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

// decode is the reverse of encode; numbers are JSON as a request body has them.
func decode(encoded any) (any, error) {
	switch v := encoded.(type) {
	case json.Number:
		return jsonNumber(v)
	case []any:
		list := make([]any, len(v))
		for index, each := range v {
			item, err := decode(each)
			if err != nil {
				return nil, err
			}
			list[index] = item
		}
		return list, nil
	case map[string]any:
		for key, content := range v {
			if len(v) == 1 {
				if value, isTyped, err := decodeTyped(key, content); isTyped || err != nil {
					return value, err
				}
			}
		}
		return decodeObject(v)
	}
	return encoded, nil
}

func decodeObject(object map[string]any) (any, error) {
	result := map[string]any{}
	for key, content := range object {
		value, err := decode(content)
		if err != nil {
			return nil, err
		}
		result[key] = value
	}
	return result, nil
}

func jsonNumber(number json.Number) (any, error) {
	if integer, err := number.Int64(); err == nil {
		return integer, nil
	}
	return number.Float64()
}

func decodeTyped(key string, content any) (value any, isTyped bool, err error) {
	text, isText := content.(string)
	switch {
	case key == "$i" && isText:
		value, err = strconv.ParseInt(text, 10, 64)
	case key == "$u" && isText:
		value, err = strconv.ParseUint(text, 10, 64)
	case key == "$d" && isText:
		value, err = strconv.ParseFloat(text, 64)
	case key == "$b" && isText:
		value, err = base64.StdEncoding.DecodeString(text)
	case key == "$ts" && isText:
		value, err = time.Parse(time.RFC3339Nano, text)
	case key == "$du" && isText:
		var nanoseconds int64
		nanoseconds, err = strconv.ParseInt(text, 10, 64)
		value = time.Duration(nanoseconds)
	case key == "$o":
		value, err = decodeOptional(content)
	case key == "$m":
		value, err = decodeMap(content)
	default:
		return nil, false, nil
	}
	return value, true, err
}

func decodeOptional(content any) (any, error) {
	values, _ := content.([]any)
	if len(values) == 0 {
		return types.OptionalNone, nil
	}
	value, err := decode(values[0])
	return types.OptionalOf(types.DefaultTypeAdapter.NativeToValue(value)), err
}

func decodeMap(content any) (any, error) {
	entries, isList := content.([]any)
	if !isList {
		return nil, fmt.Errorf("not a list of entries: %v", content)
	}
	result := map[ref.Val]ref.Val{}
	for _, entry := range entries {
		pair, isPair := entry.([]any)
		if !isPair || len(pair) != 2 {
			return nil, fmt.Errorf("not an entry: %v", entry)
		}
		key, err := decode(pair[0])
		if err != nil {
			return nil, err
		}
		value, err := decode(pair[1])
		if err != nil {
			return nil, err
		}
		result[types.DefaultTypeAdapter.NativeToValue(key)] = types.DefaultTypeAdapter.NativeToValue(value)
	}
	return result, nil
}
