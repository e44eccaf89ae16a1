package view

// ParseJSONUpTo is ParseJSON with another limit.
var ParseJSONUpTo = parseJSON
