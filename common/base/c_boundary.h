// Between C libraries and us: owners for what they make, and functions for them to call.
#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace nvccd {

// Calls a plain C function as a deleter.
template <auto function>
struct CallDeleter {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};

// std::out_ptr, which GCC 12 lacks: sd_event_new(out(event)). The owner has the object, or nothing, from the
// end of the statement on.
template <typename Owner>
class OutPointer {
 public:
  explicit OutPointer(Owner& owner) : owner_(owner) { owner_.reset(); }
  OutPointer(const OutPointer&) = delete;
  OutPointer& operator=(const OutPointer&) = delete;
  ~OutPointer() { owner_.reset(made_); }

  operator typename Owner::pointer *() { return &made_; }

 private:
  Owner& owner_;
  typename Owner::pointer made_ = nullptr;
};

template <typename Owner>
OutPointer<Owner> out(Owner& owner) {
  return OutPointer<Owner>(owner);
}

template <typename T, typename R, typename... Parameters>
struct CallShape {
  using Object = T;
  using Result = R;
  static constexpr std::size_t parameters = sizeof...(Parameters);
};
template <typename Function>
struct CalledFromC;
template <typename T, typename R, typename... Parameters>
struct CalledFromC<R (T::*)(Parameters...)> : CallShape<T, R, Parameters...> {};
template <typename T, typename R, typename... Parameters>
struct CalledFromC<R (*)(T&, Parameters...)> : CallShape<T, R, Parameters...> {};

// The only way in which a C library calls us: callback<&T::member>, or callback<function> where its first
// parameter is a T&. It converts to whatever type of function the library wants; the first void* among the
// arguments is the T, and our function gets as many of the other arguments, from the first on, as it has
// parameters. If our function returns nothing, the library gets 0.
//
// An exception is a broken promise, and no C library can pass it on, so it ends in std::terminate(), which
// writes its what() to standard error, and so to the journal.
template <auto function>
struct Callback {
  template <typename R, typename... Arguments>
  using Pointer = R (*)(Arguments...);

  template <typename R, typename... Arguments>
  constexpr operator Pointer<R, Arguments...>() const {
    return call<R, Arguments...>;
  }

 private:
  using Called = CalledFromC<decltype(function)>;

  template <typename... Arguments>
  static constexpr std::size_t place_of_object() {
    constexpr bool is_object[] = {std::is_same_v<Arguments, void*>...};
    std::size_t place = 0;
    while (!is_object[place])
      ++place;
    return place;
  }

  template <typename R, typename... Arguments>
  static R call(Arguments... arguments) noexcept {
    constexpr std::size_t object = place_of_object<Arguments...>();
    const std::tuple<Arguments...> all(arguments...);
    const auto invoke = [&]<std::size_t... places>(std::index_sequence<places...>) {
      return std::invoke(function, *static_cast<typename Called::Object*>(std::get<object>(all)),
                         std::get<(places < object ? places : places + 1)>(all)...);
    };
    constexpr std::make_index_sequence<Called::parameters> wanted;
    if constexpr (std::is_void_v<typename Called::Result>) {
      invoke(wanted);
      return R();
    } else {
      return invoke(wanted);
    }
  }
};

template <auto function>
inline constexpr Callback<function> callback{};

}  // namespace nvccd
