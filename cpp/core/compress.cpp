#include "compress.hpp"

namespace lamella {

constexpr Index kRowsBetweenLooks = 64;

void count_rows(const Source& source, std::int64_t* starts, int threads, const Poll& poll) {
    Polling polling(poll);
    const auto work = [&](const Team& team, Member member) {
        std::visit(
            [&]<class Rows>(const Rows& from) {
                if constexpr (requires { from.stride; }) {
                    const Range rows = member.share(from.rows);
                    for (Index r = rows.first; r < rows.last && !polling.stopped(); ++r) {
                        if (r % kRowsBetweenLooks == 0) polling.look(team);
                        std::int32_t nonzeros = 0;
                        for (Index i = 0; i < from.cols; ++i) nonzeros += from.data[r * from.stride + i] != 0;
                        starts[r + 1] = nonzeros;
                    }
                }
            },
            source);
    };
    run_team(threads, [&](const Team& team) { team.phase([&](Member member) { work(team, member); }); });
    starts[0] = 0;
    for (Index r = 0, count = row_count(source); r < count; ++r) starts[r + 1] += starts[r];
}

template <class I>
void compress_rows(const Source& source, const std::int64_t* starts, I* indices, float* values, int threads, const Poll& poll) {
    Polling polling(poll);
    const auto work = [&](const Team& team, Member member) {
        std::visit(
            [&]<class Rows>(const Rows& from) {
                if constexpr (requires { from.stride; }) {
                    const Range rows = member.share(from.rows);
                    for (Index r = rows.first; r < rows.last && !polling.stopped(); ++r) {
                        if (r % kRowsBetweenLooks == 0) polling.look(team);
                        const auto* x = from.data + r * from.stride;
                        std::int64_t at = starts[r];
                        const std::int64_t end = starts[r + 1];
                        for (Index i = 0; at < end && i < from.cols; ++i) {
                            indices[at] = static_cast<I>(i);
                            values[at] = static_cast<float>(x[i]);
                            at += x[i] != 0;
                        }
                        for (; at < end; ++at) {
                            indices[at] = 0;
                            values[at] = 0;
                        }
                    }
                }
            },
            source);
    };
    run_team(threads, [&](const Team& team) { team.phase([&](Member member) { work(team, member); }); });
}

template void compress_rows(const Source&, const std::int64_t*, std::uint16_t*, float*, int, const Poll&);
template void compress_rows(const Source&, const std::int64_t*, std::int32_t*, float*, int, const Poll&);

}  // namespace lamella
