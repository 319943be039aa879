# Builds the three programs as static binaries on an empty base.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/bin/ ./cmd/enqueue ./cmd/worker ./cmd/sandbox \
 && mkdir -p /out/own/data/reports /out/own/data/state /out/own/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/bin/ /bin/
# What the programs write: reports, the state without Redis, and temporary files
# (a sheet from standard input, the list of expired trackings).
COPY --from=build --chown=65532:65532 /out/own/ /
USER 65532:65532
WORKDIR /data
ENV REPORT_DIR=/data/reports UPDATES_DIR=/data/reports/updates STATE_DIR=/data/state
ENTRYPOINT ["/bin/worker"]
