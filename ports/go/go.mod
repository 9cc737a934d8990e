// The port of lastbyte to Go. It needs nothing but the standard library.
module github.com/lastbyte/lastbyte/ports/go

go 1.23
